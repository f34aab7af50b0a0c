// Strongly connected components, by Tarjan (1972), without recursion.

/** The components of the nodes, which hold all that they lead to; an agent alone is one, too. */
export function components<T>(nodes: Iterable<T>, edges: ReadonlyMap<T, readonly T[]>): T[][] {
  const found: T[][] = [];
  const order = new Map<T, number>();
  const low = new Map<T, number>();
  const stack: T[] = [];
  const onStack = new Set<T>();
  for (const root of nodes) {
    if (order.has(root)) continue;
    const path: { readonly node: T; next: number }[] = [{ node: root, next: 0 }];
    while (path.length > 0) {
      const frame = path.at(-1)!;
      const { node } = frame;
      if (frame.next === 0) {
        order.set(node, order.size);
        low.set(node, order.get(node)!);
        stack.push(node);
        onStack.add(node);
      }
      const target = edges.get(node)?.[frame.next++];
      if (target !== undefined) {
        if (!order.has(target)) path.push({ node: target, next: 0 });
        else if (onStack.has(target)) low.set(node, Math.min(low.get(node)!, order.get(target)!));
        continue;
      }
      path.pop();
      const parent = path.at(-1)?.node;
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent)!, low.get(node)!));
      if (low.get(node) === order.get(node)) found.push(popComponent(stack, onStack, node));
    }
  }
  return found;
}

function popComponent<T>(stack: T[], onStack: Set<T>, root: T): T[] {
  const component: T[] = [];
  for (;;) {
    const node = stack.pop()!;
    onStack.delete(node);
    component.push(node);
    if (node === root) return component;
  }
}
