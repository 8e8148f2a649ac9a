'use strict';

// What projections.yml cannot express: the definition as text, because CloudFormation turns numbers in an object into
// strings; and the state machine's permissions, of which there are more if the stage traces.

const ASL = require('./projections.asl.json');

const of = (resource) => ({ 'Fn::GetAtt': [resource, 'Arn'] });
const allow = (Action, Resource) => ({ Effect: 'Allow', Action, Resource });

const PROJECTING = [
  allow(['dynamodb:GetItem', 'dynamodb:PutItem'], [of('ReadModelsTable')]),
  allow(['events:PutEvents'], [of('ErrorBus')]),
  allow(['sqs:SendMessage'], [of('ProjectionsDeadLetters')]),
];

// Log deliveries have no ARNs.
const LOGGING = [
  allow(
    [
      'logs:CreateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:DescribeLogGroups',
      'logs:DescribeResourcePolicies',
      'logs:GetLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:UpdateLogDelivery',
    ],
    '*',
  ),
];

// X-Ray has no resources for these. The account's sampling rules decide what a state machine traces.
const TRACING = [
  allow(
    ['xray:GetSamplingRules', 'xray:GetSamplingTargets', 'xray:PutTelemetryRecords', 'xray:PutTraceSegments'],
    '*',
  ),
];

module.exports = {
  definition: JSON.stringify(ASL),
  statements: {
    true: [...PROJECTING, ...LOGGING, ...TRACING],
    false: [...PROJECTING, ...LOGGING],
  },
};
