import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { components } from './components.ts';

test('components() puts together exactly the nodes that lead to each other', () => {
  const graph = fc.array(fc.array(fc.nat({ max: 7 }), { maxLength: 3 }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(graph, (lists) => {
      const edges = new Map(lists.map((targets, node) => [node, targets]));
      const nodes = [...edges.keys()];
      const leadsTo = (from: number): Set<number> => {
        const seen = new Set([from]);
        for (const node of seen) for (const next of edges.get(node)!) seen.add(next);
        return seen;
      };
      const found = components(nodes, edges);
      assert.deepEqual(found.flat().sort(), nodes);
      for (const component of found) {
        const wanted = nodes.filter(
          (node) => leadsTo(component[0]!).has(node) && leadsTo(node).has(component[0]!),
        );
        assert.deepEqual(component.toSorted(), wanted);
      }
    }),
  );
});
