import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatMessage } from '../../abi/chat-messages.ts';
import { folderOf, withoutPackage } from '../testing/sample-models.ts';
import { tokenizerFiles } from '../testing/sample-tokenizer.ts';
import { loadChatTemplate } from './chat-template.ts';

const skip = withoutPackage('@huggingface/jinja');
const hello: readonly ChatMessage[] = [
  { role: 'system', text: 'be brief' },
  { role: 'user', text: ' hello\n' },
];

async function rendered(
  source: string,
  messages: readonly ChatMessage[] = hello,
  settings: object = {},
): Promise<string> {
  const folder = folderOf({
    'chat_template.jinja': source,
    'tokenizer_config.json': JSON.stringify(settings),
  });
  return (await loadChatTemplate(folder))!.render(messages);
}

test('messages become the text that the template in the settings, or in a file of its own, makes', {
  skip,
}, async () => {
  const wanted =
    '<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\n hello\n<|im_end|>\n<|im_start|>assistant\n';
  const files = tokenizerFiles();
  const one = await loadChatTemplate(folderOf(files));
  assert.equal(one!.render(hello), wanted);
  const { chat_template: template, ...rest } = JSON.parse(files['tokenizer_config.json']!);
  const several = [
    { name: 'tool_use', template: 'x' },
    { name: 'default', template },
  ];
  const settings = (value: unknown): string => JSON.stringify({ ...rest, chat_template: value });
  const named = await loadChatTemplate(folderOf({ 'tokenizer_config.json': settings(several) }));
  assert.equal(named!.render(hello), wanted);
  const both = { 'tokenizer_config.json': settings('x'), 'chat_template.jinja': template };
  assert.equal((await loadChatTemplate(folderOf(both)))!.render(hello), wanted);
  assert.equal(await loadChatTemplate(folderOf({ 'tokenizer_config.json': settings(null) })), undefined);
  assert.equal(await loadChatTemplate(folderOf({})), undefined);
});

test('a template knows the special tokens, and that there are no tools', { skip }, async () => {
  // As Llama's and Mistral's do it.
  const source = `{{- bos_token }}
{%- if tools is not none %}{{ 'tools' }}{% endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content']|trim %}{%- set messages = messages[1:] %}
{%- endif %}
{%- for message in messages %}
    {{- '<' + message.role + '>' + message['content'] | trim + eos_token }}
    {%- if loop.first %}{{ system }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<assistant>' }}{%- endif %}`;
  const settings = { bos_token: { content: '<s>' }, eos_token: '</s>', pad_token: null };
  assert.equal(await rendered(source, hello, settings), '<s><user>hello</s>be brief<assistant>');
});

test('a template has no clock: one that looks first does without, another is refused', { skip }, async () => {
  const looking = `{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% else %}July{% endif %}`;
  assert.equal(await rendered(looking), 'July');
  await assert.rejects(
    rendered(`{{ strftime_now('%Y') }}`),
    /^Error: Cannot take the prompt: the chat template fails on it; it asks for the date, and there is none$/,
  );
});

test('a template has no locale: names are ordered by their code units', { skip }, async () => {
  const source = `{{ {'a': 1, 'B': 2, 'ä': 3, 'z': 4} | tojson(sort_keys=true) }}`;
  assert.equal(await rendered(source), '{"B": 2, "a": 1, "z": 4, "ä": 3}');
});

test('what a template says against messages is told, and so is one that fails or does too much', {
  skip,
}, async () => {
  const strict = `{% if messages[0].role != 'user' %}{{ raise_exception('user first') }}{% endif %}ok`;
  await assert.rejects(
    rendered(strict),
    /^Error: Cannot take the prompt: the chat template says "user first"$/,
  );
  assert.equal(await rendered(strict, hello.slice(1)), 'ok');
  const failing = /^Error: Cannot take the prompt: the chat template fails on it$/;
  await assert.rejects(rendered('{{ messages.wrong.deeper() }}'), failing);
  await assert.rejects(rendered('{% for i in range(1000000000) %}{% endfor %}'), failing);
  assert.equal(await rendered('{{ range(4, 0, -2) | list | length }}'), '2');
});

test('a template that is endless, explodes or nests without end is told by what it does too much of, in little time', {
  skip,
}, async () => {
  const beyond = (what: string): RegExp =>
    new RegExp(`^Error: Cannot take the prompt: of the chat template, it ${what}`);
  const loop = (name: string, body: string): string =>
    `{% for ${name.split(' ')[0]} in range(100000)${name.slice(1)} %}${body}{% endfor %}`;
  const steps = beyond('takes more than 2097152 steps');
  const text = beyond('makes a text or list of more than 8388608 characters');
  const cases: readonly (readonly [string, RegExp])[] = [
    [loop('a', loop('b', loop('c', ''))), steps],
    [loop('a', `{{ messages[0].content }}${loop('b', 'x')}`), steps],
    [`{% for a in range(100000) if a > 7 %}${loop('b if b == a', '')}{% endfor %}`, steps],
    [`{% set ns = namespace(s='x') %}${loop('a', '{% set ns.s = ns.s ~ ns.s %}')}`, text],
    [`{% set ns = namespace(s=['x']) %}${loop('a', '{% set ns.s = ns.s + ns.s %}')}`, steps],
    [
      `{% set ns = namespace(s=['x']) %}${loop('a', '{% set ns.s = [ns.s, ns.s] %}')}{{ ns.s | tojson }}`,
      text,
    ],
    [`{{ 'x' | indent(400000000, true) }}`, text],
    [`{% set ns = namespace(s='x') %}${loop('a', `{% set ns.s = ns.s | replace('x', 'xx') %}`)}`, text],
    ['{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', beyond('nests more than 400 deep')],
  ];
  for (const [source, wanted] of cases) {
    const isAsked = `{% if messages | length > 1 %}${source}{% endif %}`;
    await assert.rejects(rendered(isAsked), wanted, source);
    assert.equal(await rendered(isAsked, hello.slice(1)), '', 'it is loaded all the same');
  }
});

test('long conversations are far from the bounds', { skip }, async () => {
  const template = JSON.parse(tokenizerFiles()['tokenizer_config.json']!).chat_template;
  const many = Array.from({ length: 2000 }, (_, i) => ({
    role: i % 2 ? 'user' : 'assistant',
    text: 'word '.repeat(400),
  }));
  assert.ok((await rendered(template, many)).length > 4_000_000);
});

test('a template that cannot be read is refused with its model', { skip }, async () => {
  await assert.rejects(rendered('{% if %}'), /its chat template cannot be read: /);
  await assert.rejects(rendered('{{ messages'), /its chat template cannot be read: /);
  await assert.rejects(
    rendered('{'.repeat(200_000) + '('.repeat(200_000)),
    /its chat template cannot be read: /,
  );
  await assert.rejects(
    rendered(' '.repeat(1_048_577)),
    /its chat template has 1048577 characters, wanted at most 1048576/,
  );
  const settings = { 'tokenizer_config.json': '{"chat_template": 3}' };
  await assert.rejects(loadChatTemplate(folderOf(settings)), /its "chat_template" is no text/);
});

test('a namespace, which can be changed, is held by no other value', { skip }, async () => {
  const source = `{%- set ns = namespace(s=namespace(a=1)) -%}
{%- for i in range(60) %}{% set ns.s = namespace(a=ns.s, b=ns.s) %}{% endfor -%}
{{ ns.s | tojson }}`;
  await assert.rejects(rendered(source), /puts a namespace into another value/);
});
