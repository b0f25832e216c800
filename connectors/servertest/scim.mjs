// A SCIM 2.0 service provider in memory: node scim.mjs PORT TOKEN. The protocol is scimmy's; this
// file is only its storage. Each tenant, /t/NAME/scim, is a directory of its own, with three
// roles and three entitlements that its schema names. /side/NAME reaches a tenant's storage
// without SCIM: GET shows it, POST adds to it; /side gives the versions.
import express from "express";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const port = Number(process.argv[2]);
const token = process.argv[3];
const known = { roles: ["auditor", "developer", "owner"], entitlements: ["basic", "plus", "premium"] };
const tenants = new Map();
let revision = 0;

function tenant(name) {
  if (!tenants.has(name)) tenants.set(name, { User: new Map(), Group: new Map() });
  return tenants.get(name);
}

function find(db, id) {
  const row = db.get(id);
  if (!row) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
  return row;
}

function save(db, id, data) {
  const now = new Date();
  const created = db.get(id)?.meta.created ?? now;
  const row = { ...JSON.parse(JSON.stringify(data)), id };
  row.meta = { created, lastModified: now, version: `W/"${++revision}"` };
  db.set(id, row);
  return row;
}

for (const [name, values] of Object.entries(known)) {
  SCIMMY.Schemas.User.definition.attribute(`${name}.value`).config.canonicalValues = values;
}
for (const type of ["User", "Group"]) {
  SCIMMY.Resources.declare(SCIMMY.Resources[type])
    .ingress((resource, data, name) => {
      const db = tenant(name)[type];
      if (resource.id) find(db, resource.id);
      if (type === "User") {
        // userName is unique and case-blind (RFC 7643 section 4.1.1); displayName of groups is not unique.
        const wanted = data.userName?.toLowerCase();
        for (const [id, row] of db) {
          if (id !== resource.id && row.userName?.toLowerCase() === wanted) throw new SCIMMY.Types.Error(409, "uniqueness", `userName ${data.userName} is taken`);
        }
      }
      return save(db, resource.id ?? randomUUID(), data);
    })
    .egress((resource, name) => {
      const db = tenant(name)[type];
      if (resource.id) return find(db, resource.id);
      const all = [...db.values()];
      return resource.filter ? resource.filter.match(all) : all;
    })
    .degress((resource, name) => {
      const db = tenant(name)[type];
      find(db, resource.id);
      db.delete(resource.id); // groups keep the deleted user among their members
    });
}
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
SCIMMY.Config.set({
  patch: true,
  bulk: { supported: true, maxOperations: 100, maxPayloadSize: 8 << 20 },
  filter: { supported: true, maxResults: 20 },
  sort: true,
  etag: true,
});

const app = express();
app.use("/t/:tenant/scim", new SCIMMYRouters({
  type: "bearer",
  handler: (req) => {
    if (req.header("Authorization") !== `Bearer ${token}`) throw new Error("bad token");
  },
  context: (req) => req.params.tenant,
}));
app.get("/side", (req, res) => {
  const version = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
  res.send({ scimmy: version("scimmy"), routers: version("scimmy-routers"), node: process.version });
});
app.get("/side/:tenant", (req, res) => {
  const { User, Group } = tenant(req.params.tenant);
  res.send({ users: [...User.values()], groups: [...Group.values()], ...known });
});
app.post("/side/:tenant", express.json({ limit: "64mb" }), (req, res) => {
  const { User, Group } = tenant(req.params.tenant);
  for (const row of req.body.users ?? []) save(User, row.id, row);
  for (const row of req.body.groups ?? []) save(Group, row.id, row);
  res.send({});
});
app.delete("/side/:tenant/:type/:id", (req, res) => {
  tenant(req.params.tenant)[req.params.type].delete(req.params.id);
  res.send({});
});
app.listen(port, "127.0.0.1");
