// Writes kubernetes-1.33.json: strict JSON schemas (no unknown field, all required ones) of the kinds that k8s/ uses, without their descriptions.
//
//   npm install --ignore-scripts --no-save typescript@5 @kubernetes/client-node@1.3.0 @kubernetes-models/keda@2.0.0 @kubernetes-models/prometheus-operator@6.0.0
//   node generate.mjs
//
// They are made from the declarations of @kubernetes/client-node 1.3.0 (Apache-2.0), which are generated from Kubernetes' OpenAPI specification v1.33.0, and of
// @kubernetes-models (MIT), which are generated from the custom resource definitions of KEDA and of the Prometheus operator.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { writeFileSync } from 'node:fs';

const require = createRequire(join(process.cwd(), 'x.js'));
const ts = require('typescript');
const modules = join(process.cwd(), 'node_modules');
const client = join(modules, '@kubernetes/client-node/dist/gen/models');

const kinds = {
    'v1 Namespace': 'V1Namespace', 'v1 ServiceAccount': 'V1ServiceAccount', 'v1 ConfigMap': 'V1ConfigMap', 'v1 Secret': 'V1Secret', 'v1 Service': 'V1Service',
    'v1 PersistentVolume': 'V1PersistentVolume', 'v1 PersistentVolumeClaim': 'V1PersistentVolumeClaim',
    'apps/v1 Deployment': 'V1Deployment', 'apps/v1 StatefulSet': 'V1StatefulSet', 'batch/v1 Job': 'V1Job', 'policy/v1 PodDisruptionBudget': 'V1PodDisruptionBudget',
    'networking.k8s.io/v1 NetworkPolicy': 'V1NetworkPolicy', 'networking.k8s.io/v1 Ingress': 'V1Ingress',
    'keda.sh/v1alpha1 ScaledObject': '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject',
    'monitoring.coreos.com/v1 PodMonitor': '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor',
    'monitoring.coreos.com/v1 PrometheusRule': '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule',
};

const definitions = {};
const parsed = new Map();
const source = file => parsed.get(file) ?? parsed.set(file, ts.createSourceFile(file, ts.sys.readFile(file), ts.ScriptTarget.Latest)).get(file);

// A file of @kubernetes/client-node declares one class, one of @kubernetes-models an interface of the class's name with an I before it.
const declarationOf = (file, name) => source(file).statements.find(one => one.name?.text === name && (ts.isInterfaceDeclaration(one) || ts.isClassDeclaration(one) || ts.isTypeAliasDeclaration(one)));

function define(file, name, isKind) {
    // What is a document by itself says what it is; inside another (a claim of a StatefulSet) it need not.
    const key = name.replace(/^I(?=[A-Z][a-z])/, '') + (isKind ? '-document' : '');
    if (key in definitions) return key;
    definitions[key] = {};
    const declaration = declarationOf(file, name) ?? (() => { throw new Error(`${file} declares no ${name}`); })();
    definitions[key] = ts.isTypeAliasDeclaration(declaration) ? typeSchema(file, declaration.type) : objectSchema(file, declaration, isKind);
    return key;
}

function objectSchema(file, declaration, isKind) {
    const properties = {}, required = isKind ? ['apiVersion', 'kind', 'metadata'] : [];
    for (const member of declaration.members) {
        if (!member.type || !member.name || member.modifiers?.some(one => one.kind === ts.SyntaxKind.StaticKeyword)) continue;
        const name = jsonName(file, member.name.text);
        if (isKind && name === 'status') continue;
        properties[name] = typeSchema(file, member.type, name);
        if (!member.questionToken && !required.includes(name)) required.push(name);
    }

    return { type: 'object', properties, ...(required.length > 0 && { required }), additionalProperties: false };
}

// Names that JavaScript reserves are renamed in client-node: _from is from.
const jsonName = (file, name) => file.startsWith(client) ? name.replace(/^_/, '') : name;

function typeSchema(file, type, property) {
    const kind = ts.SyntaxKind;
    switch (type.kind) {
        case kind.StringKeyword: return { type: 'string' };
        case kind.NumberKeyword: return { type: 'integer' }; // no kind of ours has any other number
        case kind.BooleanKeyword: return { type: 'boolean' };
        case kind.AnyKeyword: case kind.UnknownKeyword: case kind.ObjectKeyword: return {};
        case kind.ArrayType: return { type: 'array', items: typeSchema(file, type.elementType) };
        case kind.ParenthesizedType: return typeSchema(file, type.type);
        case kind.LiteralType: return { const: ts.isStringLiteral(type.literal) ? type.literal.text : JSON.parse(type.literal.getText(source(file))) };
        case kind.UnionType: return unionSchema(file, type);
        case kind.TypeLiteral: {
            const index = type.members.find(ts.isIndexSignatureDeclaration);
            return index && type.members.length === 1 ? { type: 'object', additionalProperties: typeSchema(file, index.type) } : objectSchema(file, type);
        }
        case kind.TypeReference: return referenceSchema(file, type);
        default: throw new Error(`${file}: ${property}: ${kind[type.kind]}`);
    }
}

function unionSchema(file, type) {
    const parts = type.types.map(part => typeSchema(file, part));
    return parts.every(part => 'const' in part) ? { enum: parts.map(part => part.const) } : { anyOf: parts };
}

function referenceSchema(file, type) {
    const name = type.typeName.text;
    if (name === 'Array') return { type: 'array', items: typeSchema(file, type.typeArguments[0]) };
    if (name === 'Record') return { type: 'object', additionalProperties: typeSchema(file, type.typeArguments[1]) };
    if (name === 'Date' || name === 'V1MicroTime') return { type: 'string' };
    if (name === 'IntOrString') return { type: ['integer', 'string'] };
    if (name.endsWith('ObjectMeta')) return { $ref: '#/$defs/' + define(join(client, 'V1ObjectMeta.d.ts'), 'V1ObjectMeta') };
    if (declarationOf(file, name)) return { $ref: '#/$defs/' + define(file, name) };
    const from = source(file).statements.find(one => ts.isImportDeclaration(one) && one.importClause?.namedBindings?.elements.some(element => element.name.text === name));
    if (!from) throw new Error(`${file} does not import ${name}`);
    const path = from.moduleSpecifier.text;
    const target = (path.startsWith('.') ? join(dirname(file), path) : join(modules, path)).replace(/(\.js)?$/, '.d.ts');
    // An import by its long name: the file exports its own under it.
    const own = declarationOf(target, name) ? name : source(target).statements.filter(ts.isExportDeclaration).flatMap(one => one.exportClause.elements).find(one => one.name.text === name)?.propertyName?.text;
    return { $ref: '#/$defs/' + define(target, own ?? name) };
}

const roots = {};
for (const [kind, name] of Object.entries(kinds))
    roots[kind] = name.startsWith('@') ? define(join(modules, name + '.d.ts'), 'I' + name.split('/').at(-1), true) : define(join(client, name + '.d.ts'), name, true);

const one = (object, indent) => Object.entries(object).sort(([a], [b]) => a < b ? -1 : 1).map(([key, value]) => `${indent}${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(',\n');
writeFileSync(join(import.meta.dirname, 'kubernetes-1.33.json'), `{
"$schema": "https://json-schema.org/draft/2020-12/schema",
"$comment": "Generated by generate.mjs, which says from what. Derived from Kubernetes (Apache-2.0, The Kubernetes Authors), KEDA (Apache-2.0) and the Prometheus operator (Apache-2.0).",
"kinds": {
${one(roots, '  ')}
},
"$defs": {
${one(definitions, '  ')}
}
}
`);
