// What a run was told of its machine, kept in the record so that it goes on the same way. No digest depends on it, and
// whoever goes on with the run may say otherwise.

import { type HostConfig, hostDefaults } from '../config/system-config.ts';

/** All but paths, and the durability, which stands in the record by itself. */
type KeptOptions = Omit<HostConfig, 'inputFile' | 'durability' | 'modelFolders'>;

/** The options as the record has them: JSON with the keys in order. */
export function hostOptionsText(host: HostConfig): string {
  const { inputFile: _, durability: __, modelFolders: ___, ...kept } = host;
  return JSON.stringify(Object.fromEntries(Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** What a run was told, over the defaults. Options that this version does not know are left out. */
export function parseHostOptions(text: string): KeptOptions {
  const { inputFile: _, durability: __, modelFolders: ___, ...defaults } = hostDefaults;
  const said = (text === '' ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>;
  const known = Object.entries(said).filter(([name]) => name in defaults);
  return { ...defaults, ...(Object.fromEntries(known) as Partial<KeptOptions>) };
}
