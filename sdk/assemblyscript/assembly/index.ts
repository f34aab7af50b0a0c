// The author's face of the SDK. Nothing here runs by being imported, so what is not used is not in the module.

export { JSON } from "json-as";
export { Agent } from "./agent";
export { AgentId } from "./agent-id";
export { HostCode, LogLevel, lastCode } from "./codes";
export {
  ChatMessage,
  FinishReason,
  generate,
  generateFromMessages,
  generateFromTokens,
  TextOptions,
  TextPiece,
} from "./generation";
export { Answer, AnswerStatus, ElementType, infer, Tensor } from "./inference";
export { register } from "./register";
export {
  onAnswer,
  onConfig,
  onFault,
  onMessage,
  onNotice,
  onRestart,
  onShutdown,
  onStart,
  onStep,
  onText,
  onTimer,
} from "./functions";
export { spawn, terminate, find } from "./life";
export { debug, error, info, log, warn } from "./logging";
export { DropReason, Fault, FaultKind, Message, Notice, Recovery, Step, StepKind, Timer } from "./tasks";
export {
  join,
  leave,
  publish,
  publishBytes,
  publishText,
  send,
  sendBytes,
  sendText,
  subscribe,
  unsubscribe,
} from "./messaging";
export { output, outputBytes, outputText } from "./output";
export { random, randomBytes, randomInt } from "./random";
export { again, fail, finish, self, tick, timeMs } from "./task-state";
export { cancelTimer, setTimer } from "./timers";
