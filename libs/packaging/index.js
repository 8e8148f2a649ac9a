'use strict';

const { execFileSync, spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const delivery = require('./delivery');

const REPOSITORY = path.resolve(__dirname, '..', '..');
const CACHE = process.env.WATCHKEEPER_CACHE || path.join(REPOSITORY, '.local', 'cache', 'requirements');
const KEPT_CACHES = 12;

/** A folder with a zip of every service, built before: deployed as they are, and nothing is built. */
const ARTIFACTS = process.env.WATCHKEEPER_ARTIFACTS;
const BUILDER = 'ServerlessPythonRequirements';

/**
 * What the public plugins leave to do:
 *
 * - Installed requirements are cached by interpreter, pip arguments and the content of the shared library. The
 *   requirements plugin looks at the text of the file alone, which only points at the library.
 * - Every source in the zip gets hash-based bytecode. Zip entries have a fixed date, so bytecode that remembers the
 *   date of its source would never be valid. The same sources make the same bytes, wherever they are packaged.
 * - A zip built before is deployed as it is (WATCHKEEPER_ARTIFACTS): one artefact goes through all stages.
 * - What people wait for is deployed bit by bit, and what makes alarms ring is rolled back: delivery.js.
 * - The role all functions would share is left out of the stack: each function has its own, and none makes log groups.
 * - `invoke local` takes from the deployed function the settings that only CloudFormation can work out.
 */
class Packaging {
  constructor(serverless, options, { log }) {
    this.serverless = serverless;
    this.provider = serverless.getProvider('aws');
    this.options = options;
    this.log = log;
    this.hooks = {
      initialize: () => this.isLocalInvocation() && this.adoptDeployedEnvironment(),
      'package:cleanup': () => this.prepare(),
      'after:package:createDeploymentArtifacts': () => ARTIFACTS || this.complete(),
      'before:package:finalize': () => this.narrowRoles(),
      'after:aws:package:finalize:mergeCustomProviderResources': () => delivery.complete(this.serverless),
      'before:aws:deploy:deploy:updateStack': () => delivery.rollBackOnAlarm(this.serverless, this.log),
    };
    if (ARTIFACTS) dropHooks(serverless.pluginManager, BUILDER);
  }

  prepare() {
    delivery.publishVersions(this.serverless);
    if (ARTIFACTS) this.adoptArtifact();
    else this.prepareBuilding();
  }

  adoptArtifact() {
    const { service } = this.serverless;
    const artifact = path.resolve(ARTIFACTS, `${service.service}.zip`);
    if (!fs.existsSync(artifact)) throw new Error(`There is no ${artifact} to deploy: make package ARTIFACTS=${ARTIFACTS}`);
    service.package.artifact = artifact;
  }

  prepareBuilding() {
    const { provider, custom } = this.serverless.service;
    this.interpreter = interpreterOf(provider.runtime);
    custom.pythonRequirements.pythonBin = this.interpreter;
    custom.pythonRequirements.pipCmdExtraArgs = [...custom.pythonRequirements.pipCmdExtraArgs, '--no-compile'];
    custom.pythonRequirements.cacheLocation = path.join(CACHE, this.contentDigest());
    forgetOldCaches();
  }

  contentDigest() {
    const { provider, custom } = this.serverless.service;
    const library = path.resolve(this.serverless.serviceDir, '..', '..', 'libs', 'common');
    const kind = [provider.runtime, process.platform, ...custom.pythonRequirements.pipCmdExtraArgs];
    const digest = createHash('sha256').update(kind.join('\n'));
    for (const file of sources(library)) {
      digest.update(path.relative(library, file)).update(fs.readFileSync(file));
    }
    return digest.digest('hex').slice(0, 16);
  }

  complete() {
    const artifact = path.resolve(this.serverless.serviceDir, this.serverless.service.package.artifact);
    const env = { ...process.env, PYTHONHASHSEED: '0' };
    execFileSync(this.interpreter, [path.join(__dirname, 'bytecode.py'), artifact], { env, stdio: 'inherit' });
    this.log.info(`Bytecode in ${path.basename(artifact)} is complete`);
  }

  narrowRoles() {
    this.dropSharedRole();
    const { Resources } = this.serverless.service.provider.compiledCloudFormationTemplate;
    for (const { Type, Properties } of Object.values(Resources)) if (Type === 'AWS::IAM::Role') dropLogGroups(Properties);
  }

  dropSharedRole() {
    const template = this.serverless.service.provider.compiledCloudFormationTemplate;
    const { [this.provider.naming.getRoleLogicalId()]: shared, ...rest } = template.Resources;
    if (!JSON.stringify(rest).includes(`"${this.provider.naming.getRoleLogicalId()}"`)) template.Resources = rest;
  }

  isLocalInvocation() {
    return this.serverless.processedInput.commands.join(' ') === 'invoke local';
  }

  async adoptDeployedEnvironment() {
    const { name, environment = {} } = this.serverless.service.getFunction(this.options.function);
    const computed = Object.keys(environment).filter((key) => typeof environment[key] === 'object');
    if (computed.length === 0) return;
    const { LambdaClient, GetFunctionConfigurationCommand } = require('@aws-sdk/client-lambda');
    const lambda = new LambdaClient(await this.provider.getAwsSdkV3Config());
    const deployed = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
    for (const key of computed) environment[key] = deployed.Environment.Variables[key];
  }
}

/** The runtime's interpreter: on the path under its own name, or among pyenv's. */
const interpreterOf = (runtime) => {
  const version = runtime.replace('python', '');
  for (const choice of [{}, { PYENV_VERSION: version }]) {
    const env = { ...process.env, ...choice };
    const found = spawnSync(runtime, ['-c', 'import sys; print(sys.executable)'], { env, encoding: 'utf8' });
    if (found.status === 0) return found.stdout.trim();
  }
  throw new Error(`Packaging for ${runtime} needs an interpreter of that version: install ${runtime}.`);
};

/** What another plugin, listed before this one, would do. */
const dropHooks = ({ hooks }, pluginName) => {
  for (const event of Object.keys(hooks)) hooks[event] = hooks[event].filter((hook) => hook.pluginName !== pluginName);
};

/** The stack makes them: one that a late invocation made after its removal would be kept for ever. */
const dropLogGroups = ({ Policies = [] }) => {
  for (const statement of Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)) {
    if (Array.isArray(statement.Action)) statement.Action = statement.Action.filter((action) => action !== 'logs:CreateLogGroup');
  }
};

const sources = (folder) =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => /\.(py|toml|typed|json|txt)$/.test(file) && !/egg-info|[\\/]build[\\/]/.test(file))
    .sort();

const forgetOldCaches = () => {
  if (!fs.existsSync(CACHE)) return;
  const age = (name) => fs.statSync(path.join(CACHE, name)).mtimeMs;
  const caches = fs.readdirSync(CACHE).sort((a, b) => age(b) - age(a));
  for (const name of caches.slice(KEPT_CACHES)) {
    fs.rmSync(path.join(CACHE, name), { recursive: true, force: true });
  }
};

module.exports = Packaging;
