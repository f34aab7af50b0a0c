// For tests only: a process in which nothing is left but a worker, which first takes its time, and then dies at work.
// Prints what its pool says.

import { TaskKind } from '../abi/envelope.ts';
import { CommandWriter } from './command-writer.ts';
import { puppet } from './test-modules.ts';
import { addTask, payloadOf, readResults, testTables } from './test-sandbox.ts';
import { createThreadPool } from './thread-pool.ts';

const pool = createThreadPool({
  workers: 1,
  tables: testTables({ fuelPerTask: 2 ** 52, fuelPerInit: 2 ** 25 }),
  blocking: false,
});
pool.addModule(0, puppet.module, puppet.globals);

function spinning(agentNumber: number, kind: TaskKind): CommandWriter {
  pool.provideMemory(0, { agentNumber, pagesMin: 1, pagesMax: 8, image: null });
  const writer = new CommandWriter();
  writer.begin(1, 10, 0);
  writer.create(agentNumber, 0, 0, 0, 1, 0, 1, 0, new Uint32Array([1, 2, 3, 4]));
  writer.turn(agentNumber, 1);
  addTask(writer, { kind, payload: payloadOf([['spin']]) });
  writer.end();
  return writer;
}

const slow = spinning(1, TaskKind.init);
const words = new Uint32Array(pool.memoryOf(1)!.buffer, 0x400);
words.set([1, ...new Uint32Array(payloadOf([['spin']]).buffer)]);
const [answer] = await pool.run([slow.buffer]);
const faults = answer === undefined || answer === 'lost' ? answer : readResults(answer.words, answer.used);
console.log(faults instanceof Map ? faults.get(1)![0]!.fault : `${faults}`);

const running = pool.run([spinning(2, TaskKind.message).buffer]);
void pool.terminate(0);
console.log(`${await running}`);
