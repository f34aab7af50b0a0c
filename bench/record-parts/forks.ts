export async function reportForks(): Promise<void> {}
