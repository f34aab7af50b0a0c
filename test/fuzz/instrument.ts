// A program: damaged and random modules through validator, pass, V8 and a metered run.
import { checkModule, type Verdict, verdicts } from './check-module.ts';
import { fuzzedModule } from './fuzzed-module.ts';
import { runSeeds } from './seed-range.ts';

const counts = Object.fromEntries(verdicts.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
runSeeds((seed) => counts[checkModule(fuzzedModule(seed))]++, counts);
