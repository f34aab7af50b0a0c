// Rows of cells in columns of one width.

/** Columns before `numbersFrom` are aligned left, the others right. Nothing stands behind the last cell. */
export function tableRows(rows: readonly (readonly string[])[], numbersFrom: number): string[] {
  const widths = (rows[0] ?? []).map((_, i) => rows.reduce((most, row) => Math.max(most, row[i]!.length), 0));
  return rows.map((row) => {
    const cells = row.map((cell, i) =>
      i < numbersFrom ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
    );
    return `  ${cells.join('  ')}`.trimEnd();
  });
}
