'use strict';

/**
 * How a deployment reaches people, and what takes it back:
 *
 * - Functions people wait for get new versions bit by bit, by CodeDeploy, where the stage has a canary.
 * - A composite alarm for each service says whether its new code fails (verdict.js). CloudFormation takes five rollback
 *   triggers at most; so there is one.
 *
 * Each service says it under `custom.delivery`.
 */

const { addVerdict, errorsOf, failuresOfApis } = require('./verdict');

const ALL_AT_ONCE = 'AllAtOnce';
const ALIAS = 'live';

/**
 * While an alarm rings, every deployment would be rolled back, the one that mends it too. What mends is not held back,
 * either: it reaches everybody at once.
 */
const ignoresAlarms = () => process.env.IGNORE_ALARMS === '1';

const settings = ({ service }) => ({ waitedFor: [], ...service.custom.delivery });

const hasCanary = (serverless) => settings(serverless).trafficShift !== ALL_AT_ONCE;

/** Traffic is shifted between versions: without a canary none are kept. */
const publishVersions = (serverless) => {
  if (!hasCanary(serverless)) return;
  for (const name of settings(serverless).waitedFor) serverless.service.getFunction(name).versionFunction = true;
};

const shifted = (serverless) => (hasCanary(serverless) ? settings(serverless).waitedFor : []);

/** Add to the compiled template what the framework does not know of. */
const complete = (serverless) => {
  const isWatched = settings(serverless).rollbackMinutes > 0;
  if (isWatched) watch(serverless);
  for (const name of shifted(serverless)) addCanary(serverless, name, isWatched);
};

/** What people call is an alias, where traffic is shifted; all others are called by their names. */
const watch = (serverless) => {
  const { Resources } = templateOf(serverless);
  const aliases = new Set(shifted(serverless));
  const failures = failuresOfApis(Resources, tags(serverless));
  for (const name of serverless.service.getAllFunctions()) {
    const { name: functionName } = serverless.service.getFunction(name);
    const of = aliases.has(name) ? { Resource: `${functionName}:${ALIAS}` } : {};
    Object.assign(failures, errorsOf(`${idOf(serverless, name)}Deployment`, functionName, of, tags(serverless)));
  }
  addVerdict(Resources, verdictName(serverless), failures, tags(serverless));
};

const idOf = (serverless, name) => serverless.getProvider('aws').naming.getNormalizedFunctionName(name);

const addCanary = (serverless, name, isWatched) => {
  const { Resources } = templateOf(serverless);
  const { naming } = serverless.getProvider('aws');
  const { name: functionName, versionLogicalId } = serverless.service.getFunction(name);
  const target = naming.getLambdaLogicalId(name);
  const id = idOf(serverless, name);
  const alias = `${id}LiveAlias`;
  const alarms = isWatched ? addCanaryAlarms(serverless, name) : [];
  delete Resources[versionLogicalId].DeletionPolicy; // one that is kept hinders the next version of the same code
  redirect(Resources, target, alias);
  Object.assign(Resources, {
    [alias]: {
      Type: 'AWS::Lambda::Alias',
      DependsOn: [`${id}ShiftGroup`], // as it is now: what the update policy names
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
        DeploymentConfigName: `CodeDeployDefault.Lambda${ignoresAlarms() ? ALL_AT_ONCE : settings(serverless).trafficShift}`,
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

/** The new version's errors, and those people see of the API. */
const addCanaryAlarms = (serverless, name) => {
  const { Resources } = templateOf(serverless);
  const { name: functionName, versionLogicalId } = serverless.service.getFunction(name);
  const version = { Resource: `${functionName}:${ALIAS}`, ExecutedVersion: { 'Fn::GetAtt': [versionLogicalId, 'Version'] } };
  const own = errorsOf(`${idOf(serverless, name)}Canary`, functionName, version, tags(serverless));
  Object.assign(Resources, own);
  return [...Object.keys(own), ...Object.keys(failuresOfApis(Resources, tags(serverless)))];
};

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
      `The alarm ${ringing.AlarmName} rings: the deployment would be rolled back. It ends minutes after the last failure. IGNORE_ALARMS=1 deploys all the same.`,
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
