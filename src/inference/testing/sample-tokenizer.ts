// The files of a byte-level tokenizer as they lie beside published models: every byte is a token, and some pairs are.

const merges = [
  ['h', 'e'],
  ['l', 'l'],
  ['he', 'll'],
  ['hell', 'o'],
  ['Ġ', 't'],
  ['Ġt', 'he'],
  ['i', 'n'],
  ['e', 'r'],
  ['Ġ', 'w'],
] as const;
const special = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];

/** The printable character that stands for each byte, as GPT-2 has it. */
function byteCharacters(): string[] {
  const isPlain = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(isPlain(byte) ? byte : 256 + others++),
  );
}

const pieces: readonly string[] = [...byteCharacters(), ...merges.map(([a, b]) => a + b)];

/** How many tokens there are. */
export const vocabularySize: number = pieces.length + special.length;
export const endOfText: number = pieces.length;
export const turnEnd: number = pieces.length + 2;

const chatTemplate =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** `tokenizer.json` and `tokenizer_config.json`. */
export function tokenizerFiles(): Record<string, string> {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const split = String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
  const flags = { lstrip: false, normalized: false, rstrip: false, single_word: false, special: true };
  const added_tokens = special.map((content, i) => ({ id: pieces.length + i, content, ...flags }));
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens,
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: split }, behavior: 'Isolated', invert: false },
        byteLevel,
      ],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges,
    },
  };
  const config = {
    add_bos_token: false,
    added_tokens_decoder: Object.fromEntries(added_tokens.map(({ id, ...token }) => [id, token])),
    bos_token: null,
    chat_template: chatTemplate,
    clean_up_tokenization_spaces: false,
    eos_token: '<|im_end|>',
    model_max_length: 512,
    pad_token: '<|endoftext|>',
    tokenizer_class: 'Qwen2Tokenizer',
    unk_token: null,
  };
  return { 'tokenizer.json': JSON.stringify(tokenizer), 'tokenizer_config.json': JSON.stringify(config) };
}
