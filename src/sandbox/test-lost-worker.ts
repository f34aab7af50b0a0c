// For tests only: a process in which nothing is left but a worker that dies at work. Prints what its pool says.

import { TaskKind } from '../abi/envelope.ts';
import { CommandWriter } from './command-writer.ts';
import { puppet } from './test-modules.ts';
import { addTask, payloadOf, testTables } from './test-sandbox.ts';
import { createThreadPool } from './thread-pool.ts';

const pool = createThreadPool({
  workers: 1,
  tables: testTables({ fuelPerTask: 2 ** 52 }),
  blocking: false,
});
pool.addModule(0, puppet.module, puppet.globals);
pool.provideMemory(0, { agentNumber: 1, pagesMin: 1, pagesMax: 8, image: null });
const writer = new CommandWriter();
writer.begin(1, 10, 0);
writer.create(1, 0, 0, 0, 1, 0, 1, new Uint32Array([1, 2, 3, 4]));
writer.turn(1, 1);
addTask(writer, { kind: TaskKind.init });
writer.turn(1, 1);
addTask(writer, { payload: payloadOf([['spin']]) });
writer.end();
const running = pool.run([writer.buffer]);
void pool.terminate(0);
console.log(JSON.stringify(await running));
