// What went wrong in words, for the messages of errors: a person need not know what a system calls its refusals.

/** What systems say in a way that only programmers understand; everything else they say well enough. */
const refusals: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EISDIR: 'it is a folder',
  ENOTDIR: 'part of its path is a file',
  EACCES: 'that is not permitted',
  EPERM: 'that is not permitted',
};

/** Why something was thrown, to follow a colon. The code of the system stays, for those who look it up. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { readonly code?: unknown };
  const words = typeof code === 'string' ? refusals[code] : undefined;
  return words === undefined ? error.message : `${words} (${code})`;
}
