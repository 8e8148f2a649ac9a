'use strict';

// What projections.yml cannot say itself: the definition as text, for CloudFormation makes texts of the numbers in an
// object; and what the state machine may do, which is more where the stage traces.

const ASL = require('./projections.asl.json');

const of = (resource) => ({ 'Fn::GetAtt': [resource, 'Arn'] });
const allow = (Action, Resource) => ({ Effect: 'Allow', Action, Resource });

const PROJECTING = [
  allow(['dynamodb:GetItem', 'dynamodb:PutItem'], [of('ReadModelsTable')]),
  allow(['events:PutEvents'], [of('ErrorBus')]),
  allow(['sqs:SendMessage'], [of('ProjectionsDeadLetters')]),
];

// Deliveries of logs have no names.
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

// X-Ray knows no resources for these. A state machine chooses by the account's rules what it traces.
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
