/**
 * The tactics that the detections name, by id, in version 18.1 of ATT&CK, whose ids RunReveal's public detections use.
 *
 * Version 19 calls TA0005 Stealth, and has Defense Impairment (TA0112) besides. T1685 (Disable or Modify Tools) and T1686.001 (Cloud
 * Firewall) of that tactic replace T1562 and T1562.007: https://attack.mitre.org/techniques/T1686/001/
 */
export const tactics: ReadonlyMap<string, string> = new Map([
  ['TA0001', 'initial-access'],
  ['TA0003', 'persistence'],
  ['TA0004', 'privilege-escalation'],
  ['TA0005', 'defense-evasion'],
  ['TA0006', 'credential-access'],
  ['TA0008', 'lateral-movement'],
  ['TA0010', 'exfiltration'],
  ['TA0040', 'impact'],
]);

/**
 * The techniques that the detections name, each with its name and its tactics.
 *
 * Source: the STIX files of ATT&CK v18.1 (https://github.com/mitre/cti, commit 421deac, enterprise-attack/attack-pattern), where none
 * is revoked or deprecated. Version 19 replaces T1562 and T1562.007, and none of the others:
 * https://attack.mitre.org/resources/updates/updates-april-2026/
 */
export const techniques: ReadonlyMap<string, readonly [name: string, ...tactics: readonly string[]]> = new Map([
  ['T1078.004', ['Cloud Accounts', 'defense-evasion', 'persistence', 'privilege-escalation', 'initial-access']],
  ['T1098.001', ['Additional Cloud Credentials', 'persistence', 'privilege-escalation']],
  ['T1098.003', ['Additional Cloud Roles', 'persistence', 'privilege-escalation']],
  ['T1136.003', ['Cloud Account', 'persistence']],
  ['T1485', ['Data Destruction', 'impact']],
  ['T1490', ['Inhibit System Recovery', 'impact']],
  ['T1550.001', ['Application Access Token', 'defense-evasion', 'lateral-movement']],
  ['T1552', ['Unsecured Credentials', 'credential-access']],
  ['T1556', ['Modify Authentication Process', 'credential-access', 'defense-evasion', 'persistence']],
  ['T1562', ['Impair Defenses', 'defense-evasion']],
  ['T1562.007', ['Disable or Modify Cloud Firewall', 'defense-evasion']],
  ['T1567', ['Exfiltration Over Web Service', 'exfiltration']],
  ['T1567.004', ['Exfiltration Over Webhook', 'exfiltration']],
  ['T1671', ['Cloud Application Integration', 'persistence']],
]);
