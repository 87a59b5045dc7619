// The conditions of each action of QuorateRaft.tla: the conjuncts that restrict when it may be taken, and assign no variable.

const bodyOf = definition => definition.namedChildren.at(-1);
const normalized = text => text.replace(/\\\*.*$/gm, '').replace(/\s+/g, ' ').trim();
const assigns = node => node.type === 'bound_postfix_op' && node.text.endsWith("'") || node.text === 'UNCHANGED' || node.namedChildren.some(assigns);

/** The operators that assign variables: actions, and the helpers that actions write and send with. */
function assigningOperators(definitions) {
  const names = new Set(definitions.filter(({ body }) => assigns(body)).map(({ name }) => name));
  for (let before = -1; before !== names.size;) {
    before = names.size;
    for (const { name, body } of definitions) {
      if (body.descendantsOfType('bound_op').some(call => names.has(call.childForFieldName('name')?.text))) names.add(name);
    }
  }
  return names;
}

/** Returns every condition as [operator, text], in the order of the module. */
export function conditionsOf(root) {
  const definitions = root.descendantsOfType('operator_definition')
    .filter(node => node.parent.type === 'module')
    .map(node => ({ name: node.childForFieldName('name').text, body: bodyOf(node) }));
  const assigning = assigningOperators(definitions);
  const isAssignment = node => assigns(node) || node.descendantsOfType('bound_op').some(call => assigning.has(call.childForFieldName('name')?.text));
  const conditions = [];

  function collect(name, node, isConjunct) {
    if (node.type === 'conj_item') return collect(name, node.namedChildren.at(-1), true);
    if (node.type === 'bound_infix_op' && node.childForFieldName('symbol').text === '/\\') {
      collect(name, node.childForFieldName('lhs'), true);
      return collect(name, node.childForFieldName('rhs'), true);
    }
    const before = conditions.length;
    if (node.type === 'if_then_else') {
      collect(name, node.childForFieldName('then'), isConjunct);
      collect(name, node.childForFieldName('else'), isConjunct);
    } else {
      for (const child of node.namedChildren) collect(name, child, false);
    }
    if (isConjunct && conditions.length === before && !isAssignment(node)) conditions.push([name, normalized(node.text)]);
  }

  const next = definitions.find(({ name }) => name === 'Next').body;
  const calledBy = body => body.descendantsOfType('bound_op').map(call => call.childForFieldName('name')?.text);
  const bounds = ['Next', ...calledBy(next).filter(name => assigning.has(name) && !assigns(definitions.find(d => d.name === name).body))];
  const helpers = new Set(['Spec', ...bounds]);
  const actions = new Set([...assigning].filter(name => !helpers.has(name)));
  for (const { name, body } of definitions) {
    if (actions.has(name) && !body.text.includes('[][')) collect(name, body, false);
  }
  return conditions;
}
