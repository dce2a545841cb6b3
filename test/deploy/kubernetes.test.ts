import { readdir } from 'node:fs/promises';
import { Deployment } from 'kubernetes-models/apps/v1';
import { CronJob } from 'kubernetes-models/batch/v1';
import { PersistentVolumeClaim } from 'kubernetes-models/v1';
import { describe, expect, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { idsIn, run, servedEnv, start, temporaryDirectory } from '../cli/support.ts';
import { idsOf, numbered } from '../support/served.ts';
import { exposedPort, readDeployFile, stateHome, user, volume } from './dockerfile.ts';
import { listenAddressOf, onFreePort } from './support.ts';

vi.setConfig({ testTimeout: 120_000 }); // Each test starts several processes, and the machine may be busy.

const files = ['deployment.yaml', 'cronjob.yaml'] as const;
const models = { Deployment, CronJob, PersistentVolumeClaim };

const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
const podSpecSchema = z.object({
  securityContext: z.object({ runAsUser: z.number(), runAsGroup: z.number() }),
  containers: z.tuple([
    z.object({
      args: z.array(z.string()),
      ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).optional(),
      readinessProbe: probe.optional(),
      livenessProbe: probe.optional(),
      securityContext: z.object({ readOnlyRootFilesystem: z.boolean() }),
      volumeMounts: z.tuple([z.object({ name: z.string(), mountPath: z.string() })]),
    }),
  ]),
  volumes: z.tuple([z.object({ name: z.string(), persistentVolumeClaim: z.object({ claimName: z.string() }) })]),
});

/** Returns the objects of a manifest. */
const load = (file: string): unknown[] =>
  Array.from(parseAllDocuments(readDeployFile(`kubernetes/${file}`)), (document) => {
    expect([...document.errors, ...document.warnings]).toEqual([]);
    return document.toJS();
  });

const loadPod = (file: string) => {
  const pod = z.object({ template: z.object({ spec: podSpecSchema }) });
  const spec = z.union([pod, z.object({ jobTemplate: z.object({ spec: pod }) })]);
  const [claim, workload] = load(file);
  const parsed = z.object({ spec }).parse(workload).spec;
  const { template } = 'jobTemplate' in parsed ? parsed.jobTemplate.spec : parsed;
  const [container] = template.spec.containers;
  return { claim, workload, podSpec: template.spec, container };
};

/** Returns a view of a value that takes each property out of `unread` once it is read. */
const watchReads = (value: object, unread: Set<string>, path = ''): object => {
  for (const name of Object.keys(value)) unread.add(`${path}/${name}`);
  return new Proxy(value, {
    get(target, name, receiver) {
      unread.delete(`${path}/${String(name)}`);
      const property: unknown = Reflect.get(target, name, receiver);
      const isData = typeof property === 'object' && property !== null;
      return isData ? watchReads(property, unread, `${path}/${String(name)}`) : property;
    },
  });
};

/** The schemas of Kubernetes accept unknown fields, and the API server drops them. A field that no schema reads is unknown. */
const unknownFieldsOf = (manifest: unknown): string[] => {
  const { kind } = z.object({ kind: z.enum(['Deployment', 'CronJob', 'PersistentVolumeClaim']) }).parse(manifest);
  const Model = models[kind];
  const model = new Model(Object(manifest));
  const unread = new Set<string>();
  Model.prototype.validate.call(watchReads(model, unread));
  return [...unread];
};

describe.each(files)('the Kubernetes manifest %s', (file) => {
  test('follows the schemas of Kubernetes and has no field that they do not know', () => {
    const manifests = load(file);
    expect(manifests).toHaveLength(2);
    for (const manifest of manifests) expect(unknownFieldsOf(manifest)).toEqual([]);
  });

  test('mounts its volume where the image keeps the place, for the user of the image', () => {
    const { claim, podSpec, container } = loadPod(file);
    const [mount] = container.volumeMounts;
    const [{ name, persistentVolumeClaim }] = podSpec.volumes;
    expect(mount).toEqual({ name, mountPath: volume });
    expect(claim).toMatchObject({ metadata: { name: persistentVolumeClaim.claimName } });
    expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
    const { runAsUser, runAsGroup } = podSpec.securityContext;
    expect(`${runAsUser}:${runAsGroup}`).toBe(user);
  });
});

test('the Kubernetes CronJob prints every event once over two runs, one at a time', async () => {
  const { workload, container } = loadPod('cronjob.yaml');
  expect(workload).toMatchObject({ spec: { concurrencyPolicy: 'Forbid' } });
  const { fake, env } = await servedEnv();
  const home = await temporaryDirectory();
  const inPod = () => run(container.args, { ...env, XDG_STATE_HOME: home });
  const first = await inPod();
  expect(first).toMatchObject({ status: 0, signal: null });
  expect(idsIn(first.stdout)).toEqual(idsOf(numbered(250)));
  expect(await readdir(home)).toEqual([volume.slice(stateHome.length + 1)]);
  fake.add({ id: 'newcomer0000' });
  expect(idsIn((await inPod()).stdout)).toEqual(['newcomer0000']);
});

test('the Kubernetes Deployment runs one pod, which prints every event and passes its probes', async () => {
  const { workload, container } = loadPod('deployment.yaml');
  expect(workload).toMatchObject({ spec: { replicas: 1, strategy: { type: 'Recreate' } } });
  const { env } = await servedEnv();
  const { args, url } = await onFreePort(container.args);
  const running = start(args, { ...env, XDG_STATE_HOME: await temporaryDirectory() });
  const last = numbered(250).at(-1)?.id ?? '';
  await running.until(({ stdout }) => stdout.includes(last));
  expect(idsIn(running.output.stdout)).toEqual(idsOf(numbered(250)));

  const port = { name: 'http', containerPort: exposedPort };
  expect(container.ports).toEqual([port]);
  expect(listenAddressOf(container.args)).toBe(`0.0.0.0:${exposedPort}`);
  for (const probe of [container.readinessProbe, container.livenessProbe]) {
    expect(probe?.httpGet.port).toBe(port.name);
    const path = probe?.httpGet.path ?? '';
    await expect.poll(async () => (await fetch(url + path)).status, { message: path }).toBe(200);
  }
});
