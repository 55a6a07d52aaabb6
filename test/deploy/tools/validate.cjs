// Checks Kubernetes objects, a JSON array on stdin, against the OpenAPI schemas of the packages beside
// it, and prints a JSON array with each one's complaints. Run with NODE_PATH set to node_modules.
//
// The schemas allow members that they do not name, as the API server does not ("unknown field"). So the
// object is handed over wrapped in a Proxy that writes down what is looked at: a schema reads each member that
// it knows, and what was never read is unknown to it.

const PACKAGES = {
  "cert-manager.io": "@kubernetes-models/cert-manager/cert-manager.io",
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api/gateway.networking.k8s.io",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator/monitoring.coreos.com",
  "networking.istio.io": "@kubernetes-models/istio/networking.istio.io",
  "security.istio.io": "@kubernetes-models/istio/security.istio.io",
};
// Inside these a schema leaves the content open.
const OPEN = [/^\/metadata\//, /^\/data\//];

function moduleOf(apiVersion) {
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  if (group in PACKAGES) return `${PACKAGES[group]}/${version}`;
  return `kubernetes-models/${group}${group && "/"}${version}`;
}

function watched(value, path, read) {
  if (value === null || typeof value !== "object") return value;
  return new Proxy(value, {
    get(target, key) {
      const member = target[key];
      if (typeof key !== "string" || typeof member === "function") return member;
      read.add(`${path}/${key}`);
      return watched(member, `${path}/${key}`, read);
    },
  });
}

function* membersOf(value, path) {
  if (value === null || typeof value !== "object") return;
  for (const [key, member] of Object.entries(value)) {
    yield `${path}/${key}`;
    yield* membersOf(member, `${path}/${key}`);
  }
}

function complaints(object) {
  const model = require(moduleOf(object.apiVersion))[object.kind];
  if (model === undefined) return [`there is no schema of ${object.apiVersion} ${object.kind}`];
  const read = new Set();
  const instance = new model(object);
  for (const key of Object.keys(object)) instance[key] = watched(object[key], `/${key}`, read);
  try {
    instance.validate();
  } catch (error) {
    return [String(error.message)];
  }
  return [...membersOf(object, "")]
    .filter((path) => path.lastIndexOf("/") > 0 && !read.has(path))
    .filter((path) => !OPEN.some((pattern) => pattern.test(path)))
    .map((path) => `${path} is not in the schema`);
}

const objects = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(objects.map(complaints)));
