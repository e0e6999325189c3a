// Compile every schema of the components in ajv's strict mode, and check its examples.
const Ajv2020 = require("ajv/dist/2020").default;
const addFormats = require("ajv-formats").default;

const document = require("./openapi.json");

const ajv = new Ajv2020({ strict: true, allErrors: true, discriminator: true, allowUnionTypes: true });
addFormats(ajv);
ajv.addFormat("decimal", /^-?[0-9]+(\.[0-9]+)?$/);
const words = new Set(JSON.stringify(document).match(/x-framework-m-[a-z-]+/g));
ajv.addVocabulary([...words, "components"]); // the schemas refer to each other through the document
ajv.addSchema({ $id: "openapi.json", components: document.components }, undefined, false, false);

const names = Object.keys(document.components.schemas);
for (const name of names) {
  const validate = ajv.compile({ $ref: `openapi.json#/components/schemas/${name}` });
  for (const example of document.components.schemas[name].examples ?? []) {
    if (!validate(example)) throw new Error(`${name}: ${ajv.errorsText(validate.errors)}`);
  }
}
console.log(`${names.length} schemas`);
