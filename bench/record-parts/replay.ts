export async function reportReplay(): Promise<void> {}
