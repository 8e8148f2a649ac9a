'use strict';

// A nightly backup of every table, if the stage has backups (`backups` of stages.yml). Unlike point-in-time recovery, it
// outlives the table itself. Tables are selected by name, so that those of the other services, and new ones, are included;
// but not the codes and counters of the last minutes.

const named = (table) => ({
  'Fn::Sub': `arn:\${AWS::Partition}:dynamodb:\${AWS::Region}:\${AWS::AccountId}:table/${table}`,
});

const resources = (stage, { deletionPolicy, removalPolicy }) => ({
  BackupVault: {
    Type: 'AWS::Backup::BackupVault',
    DeletionPolicy: deletionPolicy,
    UpdateReplacePolicy: removalPolicy,
    Properties: { BackupVaultName: `watchkeeper-${stage}-backups` },
  },
  BackupPlan: {
    Type: 'AWS::Backup::BackupPlan',
    Properties: {
      BackupPlan: {
        BackupPlanName: `watchkeeper-${stage}-backups`,
        BackupPlanRule: [
          {
            RuleName: 'daily',
            TargetBackupVault: { Ref: 'BackupVault' },
            ScheduleExpression: 'cron(0 1 * * ? *)',
            Lifecycle: { DeleteAfterDays: 35 },
          },
        ],
      },
    },
  },
  BackupSelection: {
    Type: 'AWS::Backup::BackupSelection',
    Properties: {
      BackupPlanId: { Ref: 'BackupPlan' },
      BackupSelection: {
        SelectionName: 'tables',
        IamRoleArn: { 'Fn::GetAtt': ['BackupRole', 'Arn'] },
        Resources: [named(`watchkeeper-${stage}-*`)],
        NotResources: [named(`watchkeeper-${stage}-sign-in`)],
      },
    },
  },
  BackupRole: {
    Type: 'AWS::IAM::Role',
    DeletionPolicy: deletionPolicy, // without it, backups would not be deleted when they expire
    UpdateReplacePolicy: removalPolicy,
    Properties: {
      RoleName: { 'Fn::Join': ['-', [`watchkeeper-${stage}-backups`, { Ref: 'AWS::Region' }]] },
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'backup.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
      ManagedPolicyArns: [
        { 'Fn::Sub': 'arn:${AWS::Partition}:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup' },
      ],
    },
  },
});

module.exports = async ({ resolveVariable }) => {
  if (!(await resolveVariable('param:backups'))) return { Resources: {} };
  const [deletionPolicy, removalPolicy] = await Promise.all(
    ['deletionPolicy', 'removalPolicy'].map((name) => resolveVariable(`param:${name}`))
  );
  return { Resources: resources(await resolveVariable('sls:stage'), { deletionPolicy, removalPolicy }) };
};
