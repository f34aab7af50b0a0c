// Offsets of the envelope and of notices. ABI 1.x only appends, so a field is never looked for anywhere else.

export namespace EnvelopeOffset {
  export const kind: usize = 4;
  export const tick: usize = 8;
  export const timeMs: usize = 16;
  export const selfOrigin: usize = 24;
  export const selfCounter: usize = 28;
  export const senderOrigin: usize = 32;
  export const senderCounter: usize = 36;
  export const priority: usize = 40;
  export const topicPointer: usize = 44;
  export const topicLength: usize = 48;
  export const payloadPointer: usize = 52;
  export const payloadLength: usize = 56;
  export const detail: usize = 60;
  export const tag: usize = 64;
}

export namespace NoticeOffset {
  export const size: i32 = 32;
  export const count: usize = 0;
  export const reason: usize = 4;
  export const tick: usize = 8;
  export const effectIndex: usize = 16;
  export const effectKind: usize = 20;
  export const receiverOrigin: usize = 24;
  export const receiverCounter: usize = 28;
}

export namespace FaultOffset {
  export const size: i32 = 48;
  export const count: usize = 0;
  export const fault: usize = 4;
  export const tick: usize = 8;
  export const origin: usize = 16;
  export const counter: usize = 20;
  export const incarnation: usize = 24;
  export const recovery: usize = 28;
  export const restartTick: usize = 32;
  export const imageTick: usize = 40;
}

export namespace TaskKind {
  export const message: i32 = 1;
  export const topic: i32 = 2;
  export const notice: i32 = 3;
  export const configuration: i32 = 4;
  export const fault: i32 = 5;
  export const inference: i32 = 6;
  export const generation: i32 = 7;
  export const timer: i32 = 17;
}
