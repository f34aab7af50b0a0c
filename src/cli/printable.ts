// Text of others (guests, files, names) before it reaches a terminal: no escape sequences, nothing that moves the
// cursor.

// C0 but tab, DEL, C1, and the marks that turn the direction of text.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
const unsafe = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const unsafeInJson = /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** One line of text, what is not printable replaced by U+FFFD. */
export function printable(text: string): string {
  return text.toWellFormed().replace(unsafe, '\uFFFD');
}

/** Several lines, each made printable. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON text in which such characters are escapes: the same value, and harmless. */
export function printableJson(json: string): string {
  return json.replace(unsafeInJson, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A whole number with commas between groups of three digits, the same in every locale. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A path as one word of a command line. */
export function asWord(text: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(text) ? text : JSON.stringify(text);
}
