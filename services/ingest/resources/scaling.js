'use strict';

// Auto-scaling of every table and index that a stage provisions: those of the kernel watch. An index is scaled separately:
// if it is throttled, so are the writes to its table.

const TABLES = {
  PatchesTable: ['SubmitterIndex', 'SeriesIndex', 'StatusIndex', 'ProjectIndex', 'MessageIdIndex'],
  SeriesTable: [],
  DiscussionsTable: ['PatchIndex', 'ThreadIndex', 'AuthorIndex', 'WeekIndex'],
  ThreadingTable: [],
  ProgressTable: [],
  BreakersTable: [],
};
const RANGE = { MinCapacity: 5, MaxCapacity: 1000 };
const TARGET_UTILIZATION = 70;

// The nightly full reading (`patchesFull` of stages.yml) looks up 250 patches a second, at about two units each: capacity
// that only follows the load would throttle it for minutes, every night.
const READ_BY_NIGHT = ['PatchesTable', 'SeriesTable'];
const NIGHT = [
  { ScheduledActionName: 'before-the-full-reading', Schedule: 'cron(45 2 * * ? *)', ScalableTargetAction: { MinCapacity: 600 } },
  { ScheduledActionName: 'after-the-full-reading', Schedule: 'cron(0 4 * * ? *)', ScalableTargetAction: { MinCapacity: RANGE.MinCapacity } },
];

const scaled = (table, index, direction) => {
  const name = `${table}${index || ''}${direction}`;
  const dimension = `dynamodb:${index ? 'index' : 'table'}:${direction}CapacityUnits`;
  const path = index ? `table/\${${table}}/index/${index}` : `table/\${${table}}`;
  return {
    [`${name}Target`]: {
      Type: 'AWS::ApplicationAutoScaling::ScalableTarget',
      Properties: {
        ServiceNamespace: 'dynamodb',
        ResourceId: { 'Fn::Sub': path },
        ScalableDimension: dimension,
        ...RANGE,
        ...(direction === 'Read' && !index && READ_BY_NIGHT.includes(table) && { ScheduledActions: NIGHT }),
      },
    },
    [`${name}Scaling`]: {
      Type: 'AWS::ApplicationAutoScaling::ScalingPolicy',
      Properties: {
        PolicyName: { 'Fn::Sub': `\${${table}}-${index ? `${index}-` : ''}${direction.toLowerCase()}` },
        PolicyType: 'TargetTrackingScaling',
        ScalingTargetId: { Ref: `${name}Target` },
        TargetTrackingScalingPolicyConfiguration: {
          TargetValue: TARGET_UTILIZATION,
          PredefinedMetricSpecification: {
            PredefinedMetricType: `DynamoDB${direction}CapacityUtilization`,
          },
        },
      },
    },
  };
};

const resources = Object.entries(TABLES).flatMap(([table, indexes]) =>
  [undefined, ...indexes].flatMap((index) =>
    ['Read', 'Write'].map((direction) => scaled(table, index, direction))
  )
);

module.exports = {
  PROVISIONED: { Resources: Object.assign({}, ...resources) },
  PAY_PER_REQUEST: { Resources: {} },
};
