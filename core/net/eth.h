/* SPDX-License-Identifier: Apache-2.0 */
/* eth.h - Ethernet II headers and their VLAN tags (IEEE 802.3, 802.1Q, 802.1ad). */
#pragma once

#include "core/base/addr.h"
#include "core/base/drop.h"
#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    ETH_HEADER = 14,
    ETH_TAG = 4,
    ETH_TAGS_MAX = 2,        /* a customer's tag in a provider's; deeper ones are payload */
    ETH_HEADER_MAX = 14 + 8, /* with that many tags */
    ETH_FRAME_MIN = 60,      /* shorter frames are padded on a cable; without FCS */
};

enum {
    ETH_TYPE_FIRST = 0x0600, /* below: the length of an 802.3 frame */
    ETH_TYPE_IP4 = 0x0800,
    ETH_TYPE_ARP = 0x0806,
    ETH_TYPE_VLAN = 0x8100,
    ETH_TYPE_IP6 = 0x86dd,
    ETH_TYPE_PPPOE_DISCOVERY = 0x8863,
    ETH_TYPE_PPPOE_SESSION = 0x8864,
    ETH_TYPE_EAPOL = 0x888e,
    ETH_TYPE_QINQ = 0x88a8,
    ETH_TYPE_LLDP = 0x88cc,
    ETH_TYPE_LOOPBACK = 0x9000,
};

struct eth {
    struct mac dst;
    struct mac src;
    uint16_t type;              /* behind the tags */
    uint8_t tags;               /* how many there are */
    uint8_t header_len;         /* with the tags */
    uint16_t tci[ETH_TAGS_MAX]; /* priority, DEI, VLAN id; the outer one first */
    struct reader body;
};

/* DROP_SHORT if a header or an announced tag is cut off. */
enum drop eth_parse(struct reader in, struct eth *out) MUST_CHECK;

/* An untagged header. */
void eth_write(struct writer *w, const struct mac *dst, const struct mac *src, uint16_t type);

static inline bool
eth_type_is_tag(uint16_t type)
{
    return type == ETH_TYPE_VLAN || type == ETH_TYPE_QINQ;
}

/* Multicast or broadcast: the I/G bit. */
static inline bool
eth_is_group(const uint8_t addr[6])
{
    return addr[0] & 1;
}

static inline bool
eth_is_zero(const uint8_t addr[6])
{
    return (addr[0] | addr[1] | addr[2] | addr[3] | addr[4] | addr[5]) == 0;
}

static inline bool
eth_is_broadcast(const uint8_t addr[6])
{
    return (addr[0] & addr[1] & addr[2] & addr[3] & addr[4] & addr[5]) == 0xff;
}

/* 01:80:c2:00:00:00 to 0f: spanning tree, pause, LACP, 802.1X, LLDP; bridges never forward them
 * (IEEE 802.1Q, table 8-1). */
static inline bool
eth_is_reserved(const uint8_t addr[6])
{
    return addr[0] == 0x01 && addr[1] == 0x80 && addr[2] == 0xc2 && addr[3] == 0 && addr[4] == 0 &&
           addr[5] <= 0x0f;
}
