/* SPDX-License-Identifier: Apache-2.0 */
/* packet_note.h - what the payload of a packet is about, in a few words: parsers that look at what
 * peers have sent, and believe nothing of it. */
#pragma once

#include "core/base/reader.h"
#include "core/log/line.h"

#include <stdbool.h>

/* All append "key=value" with spaces between, where a value has neither spaces nor quotes whatever
 * the peer sent. in: the payload of UDP or TCP, perhaps cut. False: it is something else, and
 * nothing was appended. */
bool note_http(struct reader in, struct line *out);
bool note_dns(struct reader in, struct line *out);
bool note_dhcp4(struct reader in, struct line *out);
bool note_dhcp6(struct reader in, struct line *out);
bool note_ike(struct reader in, struct line *out);
bool note_openvpn(struct reader in, struct line *out);
/* An ICMP or ICMPv6 message, and what is behind the Ethernet header of ARP. */
bool note_icmp(struct reader in, unsigned version, struct line *out);
bool note_arp(struct reader in, struct line *out);
/* TCP's flags and window; in from the TCP header on. */
void note_tcp(struct reader in, struct line *out);

/* Whether a payload begins as a request of HTTP does. */
bool note_may_be_http(struct reader in);
