// How a module is refused: one error with the module's name, the section, the byte offset, what was found and wanted.
import { EngineError } from '../../base/errors.ts';

/** `offset` counts bytes from the start of the module; undefined where no single byte is to blame. */
export function refusal(name: string, what: string, section?: string, offset?: number): EngineError {
  const where = [];
  if (section !== undefined) where.push(`${section} section`);
  if (offset !== undefined) where.push(`offset 0x${offset.toString(16)}`);
  const place = where.length === 0 ? '' : ` (${where.join(', ')})`;
  return new EngineError('module-refused', `Cannot load module "${name}": ${what}${place}`, {
    name,
    ...(section === undefined ? {} : { section }),
    ...(offset === undefined ? {} : { offset }),
    what,
  });
}
