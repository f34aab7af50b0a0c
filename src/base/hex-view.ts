// Bytes for people: sixteen a row, with their address and their text. Pure.

const rowBytes = 16;

/**
 * Rows such as `00000400  67 6f 6c 64 …  gold…`, each from an address that is a multiple of 16 where `start` is one.
 * @param start address of the first byte
 */
export function hexRows(bytes: Uint8Array, start: number): string[] {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += rowBytes) {
    const row = Array.from(bytes.subarray(at, at + rowBytes));
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0'));
    const halves = [hex.slice(0, 8).join(' '), hex.slice(8).join(' ')];
    const text = row.map((byte) => (byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    const address = (start + at).toString(16).padStart(8, '0');
    rows.push(`${address}  ${halves[0]!.padEnd(23)}  ${halves[1]!.padEnd(23)}  ${text}`);
  }
  return rows;
}
