'use strict';

/**
 * Asks the packaging plugin what takes a deployment back, on a CloudWatch that has the alarms given as JSON, and prints
 * what it sets.
 */

const Module = require('node:module');
const path = require('node:path');

const [alarms, minutes] = process.argv.slice(2).map((argument) => JSON.parse(argument));
const load = Module._load;
const asked = [];

Module._load = (name, ...rest) =>
  name === '@aws-sdk/client-cloudwatch'
    ? {
        CloudWatchClient: class {
          async send({ request }) {
            asked.push(request);
            return { CompositeAlarms: alarms.filter(({ AlarmName }) => request.AlarmNames.includes(AlarmName)) };
          }
        },
        DescribeAlarmsCommand: class {
          constructor(request) {
            this.request = request;
          }
        },
      }
    : load(name, ...rest);

const { rollBackOnAlarm } = require(path.resolve(__dirname, '..', '..', 'libs', 'packaging', 'delivery.js'));
const provider = { naming: { getStackName: () => 'watchkeeper-prod-api' }, getAwsSdkV3Config: async () => ({}) };
const service = { provider: {}, custom: { delivery: { rollbackMinutes: minutes, trafficShift: 'AllAtOnce' } } };

rollBackOnAlarm({ service, getProvider: () => provider }, { notice: () => {} }).then(
  () => console.log(JSON.stringify({ asked: asked.length, set: service.provider.rollbackConfiguration ?? null })),
  (error) => console.log(JSON.stringify({ refused: error.message })),
);
