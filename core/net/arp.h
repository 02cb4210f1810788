/* SPDX-License-Identifier: Apache-2.0 */
/* arp.h - ARP for IPv4 over Ethernet (RFC 826), probes and announcements (RFC 5227). */
#pragma once

#include "core/base/addr.h"
#include "core/base/drop.h"
#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"

#include <stdbool.h>
#include <stdint.h>

enum { ARP_LEN = 28, ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp {
    uint16_t op;
    struct mac sender_mac;
    uint32_t sender; /* addresses in host order */
    struct mac target_mac;
    uint32_t target;
};

/* Takes what is behind the Ethernet header, padding included. DROP_MALFORMED for other hardware or
 * protocols; every operation is let through. */
enum drop arp_parse(struct reader in, struct arp *out) MUST_CHECK;
void arp_write(struct writer *w, const struct arp *arp);

/* Asks whether somebody has the address, without claiming it (RFC 5227, 2.1.1). */
static inline bool
arp_is_probe(const struct arp *arp)
{
    return arp->op == ARP_REQUEST && arp->sender == 0;
}

/* Tells everybody, and asks nothing: "gratuitous ARP" (RFC 5227, 2.3). */
static inline bool
arp_is_announcement(const struct arp *arp)
{
    return arp->sender != 0 && arp->sender == arp->target;
}
