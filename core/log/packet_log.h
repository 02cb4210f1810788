/* SPDX-License-Identifier: Apache-2.0 */
/* packet_log.h - what passes through a hub, one line a packet: who logs what, and how it reads.
 *
 * On the data path a packet that is wanted is a copy of its headers in the worker's queue
 * (logger.h); what they say is found out by the writer. A kind is wanted as its level says; a TCP
 * packet that opens or ends a connection is also one of TCP, and a DHCP packet one of UDP: the
 * higher of the two levels holds.
 */
#pragma once

#include "core/log/logger.h"
#include "core/net/flow.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum packet_kind { /* values of the API */
                   PACKET_TCP_CONNECT,
                   PACKET_TCP,
                   PACKET_DHCP,
                   PACKET_UDP,
                   PACKET_ICMP,
                   PACKET_IP, /* other protocols, and fragments */
                   PACKET_ARP,
                   PACKET_ETHERNET, /* all the rest */
                   PACKET_N_KINDS
};

enum packet_level { PACKET_NONE, PACKET_HEADERS, PACKET_ALL, PACKET_N_LEVELS };

enum {
    PACKET_SNAP_MAX = 2048, /* bytes of a packet that "all" logs */
    PACKET_NAME_MAX = 127,  /* of a port */
};

struct packet_levels {
    uint8_t of[PACKET_N_KINDS]; /* enum packet_level */
};

struct packet {
    const uint8_t *bytes; /* from the Ethernet header on */
    uint32_t len;
    const struct flow *flow; /* NULL: its headers are broken */
    const char *from, *to;   /* names of ports; to NULL: to all */
};

enum packet_kind packet_kind_of(const struct packet *p);
enum packet_level packet_level_of(const struct packet_levels *levels, const struct packet *p);
/* Logs it when it is wanted. Any thread. */
void packet_log_write(struct log *log, const struct packet_levels *levels, const struct packet *p,
                      int64_t wall_ms);

extern const struct log_format packet_log_format;
/* The first line of the columns, for those who read them: "time,from,to,..." */
const char *packet_log_columns(void);
