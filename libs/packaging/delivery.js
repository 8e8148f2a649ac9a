'use strict';

/**
 * How a deployment reaches people, and what takes it back:
 *
 * - Functions people wait for get new versions bit by bit, by CodeDeploy, where the stage has a canary.
 * - A composite alarm for each service says whether its new code fails. CloudFormation takes five rollback triggers at
 *   most; so there is one.
 *
 * Each service says it under `custom.delivery`.
 */

const ALL_AT_ONCE = 'AllAtOnce';
const ALIAS = 'live';
const CANARY_ALARMS = 10; // as many as CodeDeploy takes
const VERDICT = 'DeploymentAlarm';

/** The metrics that say that code fails, and not that its upstream does or that nobody looked after yesterday's work. */
const FAILURES = new Set(['AWS/Lambda Errors', 'AWS/ApiGateway 5xx']);

/** While an alarm rings, every deployment would be rolled back, the one that mends it too. */
const ignoresAlarms = () => process.env.IGNORE_ALARMS === '1';

const settings = ({ service }) => ({ waitedFor: [], ...service.custom.delivery });

const hasCanary = (serverless) => settings(serverless).trafficShift !== ALL_AT_ONCE;

/** Traffic is shifted between versions: without a canary none are kept. */
const publishVersions = (serverless) => {
  if (!hasCanary(serverless)) return;
  for (const name of settings(serverless).waitedFor) serverless.service.getFunction(name).versionFunction = true;
};

/** Add to the compiled template what the framework does not know of. */
const complete = (serverless) => {
  if (hasCanary(serverless)) for (const name of settings(serverless).waitedFor) addCanary(serverless, name);
  if (settings(serverless).rollbackMinutes > 0) addVerdict(serverless);
};

const addCanary = (serverless, name) => {
  const { Resources } = templateOf(serverless);
  const { naming } = serverless.getProvider('aws');
  const { name: functionName, versionLogicalId } = serverless.service.getFunction(name);
  const target = naming.getLambdaLogicalId(name);
  const id = naming.getNormalizedFunctionName(name);
  const alias = `${id}LiveAlias`;
  const alarms = canaryAlarms(Resources, target, functionName);
  redirect(Resources, target, alias);
  Object.assign(Resources, {
    [alias]: {
      Type: 'AWS::Lambda::Alias',
      Properties: {
        FunctionName: { Ref: target },
        FunctionVersion: { 'Fn::GetAtt': [versionLogicalId, 'Version'] },
        Name: ALIAS,
      },
      UpdatePolicy: {
        CodeDeployLambdaAliasUpdate: { ApplicationName: { Ref: `${id}Shift` }, DeploymentGroupName: { Ref: `${id}ShiftGroup` } },
      },
    },
    [`${id}Shift`]: {
      Type: 'AWS::CodeDeploy::Application',
      Properties: { ApplicationName: functionName, ComputePlatform: 'Lambda', Tags: tags(serverless) },
    },
    [`${id}ShiftGroup`]: {
      Type: 'AWS::CodeDeploy::DeploymentGroup',
      Properties: {
        ApplicationName: { Ref: `${id}Shift` },
        DeploymentGroupName: functionName,
        ServiceRoleArn: { 'Fn::GetAtt': [`${id}ShiftRole`, 'Arn'] },
        DeploymentConfigName: `CodeDeployDefault.Lambda${settings(serverless).trafficShift}`,
        DeploymentStyle: { DeploymentType: 'BLUE_GREEN', DeploymentOption: 'WITH_TRAFFIC_CONTROL' },
        AutoRollbackConfiguration: {
          Enabled: true,
          Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'],
        },
        AlarmConfiguration: {
          Enabled: alarms.length > 0 && !ignoresAlarms(),
          Alarms: alarms.map((alarm) => ({ Name: { Ref: alarm } })),
        },
        Tags: tags(serverless),
      },
    },
    [`${id}ShiftRole`]: shiftRole(serverless, functionName),
  });
};

/** What called the function calls its alias. */
const redirect = (resources, target, alias) => {
  const isTarget = (value) => JSON.stringify(value) === JSON.stringify({ 'Fn::GetAtt': [target, 'Arn'] });
  for (const { Type, Properties } of Object.values(resources)) {
    const key = { 'AWS::ApiGatewayV2::Integration': 'IntegrationUri', 'AWS::Lambda::Permission': 'FunctionName' }[Type];
    if (key && isTarget(Properties[key])) Properties[key] = { Ref: alias };
  }
};

/** The function's own errors, and those people see of the API. */
const canaryAlarms = (resources, target, functionName) =>
  failureAlarms(resources)
    .filter((id) => {
      const { Dimensions = [] } = resources[id].Properties;
      const watched = Dimensions.find(({ Name }) => Name === 'FunctionName');
      return !watched || watched.Value === functionName || watched.Value.Ref === target;
    })
    .slice(0, CANARY_ALARMS);

const failureAlarms = (resources) =>
  Object.keys(resources).filter((id) => {
    const { Type, Properties } = resources[id];
    return Type === 'AWS::CloudWatch::Alarm' && FAILURES.has(`${Properties.Namespace} ${Properties.MetricName}`);
  });

/** CodeDeploy's own policy for this grants the same for all functions. */
const shiftRole = (serverless, functionName) => {
  const func = `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:${functionName}`;
  const Action = ['lambda:GetAlias', 'lambda:GetProvisionedConcurrencyConfig', 'lambda:UpdateAlias'];
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      Path: '/',
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'codedeploy.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
      Policies: [
        {
          PolicyName: 'shift-traffic',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              { Effect: 'Allow', Action, Resource: [{ 'Fn::Sub': func }, { 'Fn::Sub': `${func}:${ALIAS}` }] },
              { Effect: 'Allow', Action: ['cloudwatch:DescribeAlarms'], Resource: '*' },
            ],
          },
        },
      ],
      Tags: tags(serverless),
    },
  };
};

const addVerdict = (serverless) => {
  const { Resources } = templateOf(serverless);
  const alarms = failureAlarms(Resources);
  if (alarms.length === 0) return;
  Resources[VERDICT] = {
    Type: 'AWS::CloudWatch::CompositeAlarm',
    Properties: {
      AlarmName: verdictName(serverless),
      AlarmDescription: 'Code fails. A deployment during which this rings is rolled back.',
      AlarmRule: { 'Fn::Join': [' OR ', alarms.map((id) => ({ 'Fn::Sub': `ALARM("\${${id}}")` }))] },
      Tags: tags(serverless),
    },
  };
};

const verdictName = (serverless) => `${serverless.getProvider('aws').naming.getStackName()}-deployment`;

/**
 * A trigger whose alarm does not exist fails the deployment: the first one of a stage has none. A stack keeps the triggers
 * of its last update unless it is told otherwise, so that none are said, too.
 */
const rollBackOnAlarm = async (serverless, log) => {
  const { rollbackMinutes } = settings(serverless);
  if (serverless.service.provider.shouldNotDeploy || !(rollbackMinutes > 0)) return;
  const alarms = ignoresAlarms() ? [] : await existingVerdicts(serverless);
  const ringing = alarms.find(({ StateValue }) => StateValue === 'ALARM');
  if (ringing) {
    throw new Error(
      `The alarm ${ringing.AlarmName} rings: the deployment would be rolled back. IGNORE_ALARMS=1 deploys all the same.`,
    );
  }
  serverless.service.provider.rollbackConfiguration = {
    MonitoringTimeInMinutes: alarms.length > 0 ? rollbackMinutes : 0,
    RollbackTriggers: alarms.map(({ AlarmArn: Arn }) => ({ Arn, Type: 'AWS::CloudWatch::CompositeAlarm' })),
  };
  for (const { AlarmName } of alarms) log.notice(`Rolled back if ${AlarmName} rings within ${rollbackMinutes} minutes`);
};

const existingVerdicts = async (serverless) => {
  const { CloudWatchClient, DescribeAlarmsCommand } = require('@aws-sdk/client-cloudwatch');
  const cloudWatch = new CloudWatchClient(await serverless.getProvider('aws').getAwsSdkV3Config());
  const request = { AlarmNames: [verdictName(serverless)], AlarmTypes: ['CompositeAlarm'] };
  return (await cloudWatch.send(new DescribeAlarmsCommand(request))).CompositeAlarms ?? [];
};

const templateOf = (serverless) => serverless.service.provider.compiledCloudFormationTemplate;

const tags = ({ service }) => Object.entries(service.provider.tags).map(([Key, Value]) => ({ Key, Value }));

module.exports = { publishVersions, complete, rollBackOnAlarm };
