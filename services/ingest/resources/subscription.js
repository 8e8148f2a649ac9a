'use strict';

// Who gets a mail when an alarm fires (`alarmsMail` of stages.yml). SNS asks for a confirmation once.

const subscription = (Endpoint) => ({
  Type: 'AWS::SNS::Subscription',
  Properties: { TopicArn: { Ref: 'AlarmsTopic' }, Protocol: 'email', Endpoint },
});

module.exports = async ({ resolveVariable }) => {
  const address = await resolveVariable("param:alarmsMail, ''");
  return { Resources: address ? { AlarmsMail: subscription(address) } : {} };
};
