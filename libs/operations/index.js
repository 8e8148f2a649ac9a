'use strict';

const { alarmsOf } = require('./alarms');
const { dashboardOf } = require('./dashboard');
const { failSafely, triggersOf } = require('./safety');

/**
 * What every service needs in operation, generated from what it packages, so that a new function, table or queue gets
 * it automatically:
 *
 * - functions fail safely: what they, their schedules, events and streams give up goes to the failures queue, and their
 *   roles allow it (safety.js);
 * - an alarm for everything in alarms.yml, where the stage has alarms (alarms.js);
 * - a dashboard of everything in the stack, on every stage (dashboard.js).
 *
 * `custom.operations` has: `alarms`, the table; `alarmsEnabled`; `topic`, which alarms notify; `failures`, the ARN of
 * the failures queue.
 */
class Operations {
  constructor(serverless) {
    this.serverless = serverless;
    this.hooks = {
      'before:package:compileFunctions': () => this.secure(),
      'after:aws:package:finalize:mergeCustomProviderResources': () => this.observe(),
    };
  }

  secure() {
    const { provider, custom, resources } = this.serverless.service;
    const { naming } = this.serverless.getProvider('aws');
    const triggers = triggersOf(resources);
    for (const name of this.serverless.service.getAllFunctions()) {
      const isTrigger = triggers.has(naming.getLambdaLogicalId(name));
      failSafely(this.serverless.service.getFunction(name), provider, custom.operations.failures, isTrigger);
    }
  }

  observe() {
    const { provider, custom } = this.serverless.service;
    const { Resources: resources } = provider.compiledCloudFormationTemplate;
    const { alarms: table, alarmsEnabled, topic } = custom.operations;
    const stack = { resources, ...provider.stackTags };
    const alarms = alarmsEnabled ? alarmsOf(stack, table, topic) : {};
    Object.assign(resources, alarms, dashboardOf(stack, table, alarms));
  }
}

module.exports = Operations;
