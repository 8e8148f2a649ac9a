'use strict';

const { subjectsOf } = require('./subjects');

// The table of alarms, applied to a stack: one alarm for each subject of each kind.

const alarmsOf = (stack, table, topic) => {
  const rules = Object.entries(table).filter(([, rule]) => concerns(rule, stack));
  const alarms = rules.flatMap(([kind, rule]) =>
    subjectsOf(stack, rule.watches).map((subject) => alarm(stack, kind, rule, subject, topic))
  );
  return Object.assign({}, ...alarms);
};

const concerns = (rule, stack) => !rule.service || rule.service === stack.service;

const alarm = (stack, kind, rule, subject, topic) => ({
  [`${pascal(subject.name)}${pascal(kind)}Alarm`]: {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: `watchkeeper-${stack.stage}-${subject.name}-${kind}`,
      AlarmDescription: `${rule.title}: what to do: docs/runbook.md#${kind}`,
      AlarmActions: [topic],
      ComparisonOperator: rule.comparison,
      Threshold: rule.thresholds?.[subject.name] ?? rule.threshold,
      EvaluationPeriods: rule.periods,
      DatapointsToAlarm: rule.datapoints,
      TreatMissingData: rule.missing,
      ...measured(rule, subject.dimensions),
    },
  },
});

const measured = (rule, [dimensions, ...more]) =>
  more.length === 0
    ? { ...metric(rule, dimensions), Statistic: rule.statistic, Period: rule.period }
    : { Metrics: [...[dimensions, ...more].map((one, index) => part(rule, one, index)), SUM] };

const metric = (rule, dimensions) => ({
  Namespace: rule.namespace,
  MetricName: rule.metric,
  Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
});

const part = (rule, dimensions, index) => ({
  Id: `m${index}`,
  ReturnData: false,
  MetricStat: { Metric: metric(rule, dimensions), Stat: rule.statistic, Period: rule.period },
});

const SUM = { Id: 'sum', Expression: 'SUM(METRICS())', Label: 'all', ReturnData: true };

const pascal = (name) => name.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, letter) => letter.toUpperCase());

module.exports = { alarmsOf, concerns };
