// The work of a call in JavaScript, for the pool of tasks: the sum of the bytes of a payload, in 8 bytes.

export default function sum(payload: Uint8Array): Uint8Array {
  let total = 0;
  for (let i = 0; i < payload.length; i++) total += payload[i]!;
  const answer = new Uint8Array(8);
  new DataView(answer.buffer).setBigUint64(0, BigInt(total), true);
  return answer;
}
