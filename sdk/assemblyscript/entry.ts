// The entry points of the module. The build program adds this file; nobody else imports it.

export { agent_init, agent_receive, agent_step, agent_shutdown, agent_alloc } from "./assembly/entry";
