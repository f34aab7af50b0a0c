// What the runtimes say begins with where in their own source they say it, often longer than what they say. That is for
// their authors; here only the words are kept.

/** A file of C++ and a line of it; bounded, since a model may have a part in what is said. */
const place = /(?:\/[\w./+-]{1,200}\/)?[\w-]{1,60}\.(?:cc|cpp|cu|h|hpp):\d{1,6} /;
/** What may stand between the parameters of a function and the words. */
const behindParameters = /^(?:::<lambda\([^)]*\)>|::operator\(\)| const| \[with [^\]]*\])+/;

/** Of what is said so much is looked at. */
const lengthMax = 1000;

/** The beginning of a text without the source places and functions in it; as it is where nothing else would be left. */
export function withoutSourcePlaces(text: string): string {
  const beginning = text.slice(0, lengthMax);
  let rest = beginning;
  for (let found = place.exec(rest); found !== null; found = place.exec(rest)) {
    const behind = rest.slice(found.index + found[0].length);
    const words = behind.slice(functionLength(behind)).trimStart();
    rest = `${rest.slice(0, found.index)}${words}`;
  }
  return rest.trim() === '' ? beginning : rest;
}

/** How long the function is that a text begins with; 0 where it begins with words. */
function functionLength(text: string): number {
  const open = text.indexOf('(');
  // A sentence may have parentheses, too; a function has its name in front of them, with its namespace.
  if (open < 0 || !/::|^\w+$/.test(text.slice(0, open))) return 0;
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) {
      const behind = behindParameters.exec(text.slice(at + 1));
      return at + 1 + (behind?.[0].length ?? 0);
    }
  }
  return 0;
}
