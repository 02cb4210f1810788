/* SPDX-License-Identifier: Apache-2.0 */
/* kinds.h - what a frame is, as far as policies and hub options ask: one bit for each.
 *
 * A filter is a set of kinds that it refuses, so that judging a frame against all filters of a port
 * is one AND. What could be made to look like something else is told apart here, once:
 *
 * - Later fragments have no ports and pass: without the first one, which is judged, nobody can make
 *   a packet of them. A first fragment in which the headers are not whole is an error of
 *   flow_parse() and refused; a later one that would write over a TCP header (RFC 1858, RFC 3128)
 *   is KIND_HIDDEN. Of IPv6 a first fragment has to contain all headers, too (RFC 7112).
 * - IPv4 options, IPv6 extension headers and up to two VLAN tags are looked behind. More tags, and
 *   IP in an LLC/SNAP header (RFC 1042), which some systems take, are KIND_HIDDEN.
 *
 * KIND_HIDDEN is refused by whoever filters IP at all.
 */
#pragma once

#include "core/base/frame.h"
#include "core/net/flow.h"

#include <stdint.h>

enum {
    KIND_IP4 = 1 << 0,
    KIND_IP6 = 1 << 1,
    KIND_ARP = 1 << 2,
    KIND_OTHER = 1 << 3,    /* none of these three */
    KIND_TAGGED = 1 << 4,   /* has a VLAN tag, whatever is behind it */
    KIND_GROUP = 1 << 5,    /* to more than one */
    KIND_CHATTER = 1 << 6,  /* to more than one, and neither ARP nor DHCP nor ICMPv6 */
    KIND_DHCP4 = 1 << 7,    /* to a server or a client */
    KIND_OFFER4 = 1 << 8,   /* and from a server */
    KIND_DHCP6 = 1 << 9,    /* to a server or a client */
    KIND_OFFER6 = 1 << 10,  /* and from a server */
    KIND_RS = 1 << 11,      /* router solicitation */
    KIND_RA = 1 << 12,      /* router advertisement */
    KIND_NA = 1 << 13,      /* neighbour advertisement */
    KIND_SYN4 = 1 << 14,    /* opens a TCP connection */
    KIND_SYN6 = 1 << 15,    /* likewise */
    KIND_ACCEPT4 = 1 << 16, /* SYN and ACK: answers one */
    KIND_ACCEPT6 = 1 << 17, /* likewise */
    KIND_PPPOE = 1 << 18,   /* both stages */
    KIND_OSPF = 1 << 19,    /* over IPv4 and IPv6 */
    KIND_BPDU = 1 << 20,    /* spanning tree, of all makers */
    KIND_HIDDEN = 1 << 21,  /* IP that cannot be judged */
};

/* flow is what flow_of_frame() found in this frame, without an error. */
uint32_t kinds_of(const struct frame *f, const struct flow *flow);
