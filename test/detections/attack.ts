/** The tactics that the detections name, by id. Those whose meaning changed in version 19 (TA0005) are left out. */
export const tactics: ReadonlyMap<string, string> = new Map([
  ['TA0001', 'initial-access'],
  ['TA0003', 'persistence'],
  ['TA0004', 'privilege-escalation'],
  ['TA0006', 'credential-access'],
  ['TA0008', 'lateral-movement'],
  ['TA0010', 'exfiltration'],
  ['TA0040', 'impact'],
]);

/**
 * The techniques that the detections name, each with its name and its tactics.
 *
 * Source: the STIX files of ATT&CK v18.1 (https://github.com/mitre/cti, commit 421deac, enterprise-attack/attack-pattern), where none
 * is revoked or deprecated. Version 19 revoked none of them: https://attack.mitre.org/resources/updates/updates-april-2026/
 */
export const techniques: ReadonlyMap<string, readonly [name: string, ...tactics: readonly string[]]> = new Map([
  ['T1078.004', ['Cloud Accounts', 'defense-evasion', 'persistence', 'privilege-escalation', 'initial-access']],
  ['T1098', ['Account Manipulation', 'persistence', 'privilege-escalation']],
  ['T1098.001', ['Additional Cloud Credentials', 'persistence', 'privilege-escalation']],
  ['T1098.003', ['Additional Cloud Roles', 'persistence', 'privilege-escalation']],
  ['T1485', ['Data Destruction', 'impact']],
  ['T1490', ['Inhibit System Recovery', 'impact']],
  ['T1531', ['Account Access Removal', 'impact']],
  ['T1550.001', ['Application Access Token', 'defense-evasion', 'lateral-movement']],
  ['T1552', ['Unsecured Credentials', 'credential-access']],
  ['T1556', ['Modify Authentication Process', 'credential-access', 'defense-evasion', 'persistence']],
  ['T1565.001', ['Stored Data Manipulation', 'impact']],
  ['T1567', ['Exfiltration Over Web Service', 'exfiltration']],
  ['T1567.004', ['Exfiltration Over Webhook', 'exfiltration']],
  ['T1671', ['Cloud Application Integration', 'persistence']],
]);
