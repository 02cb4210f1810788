/* SPDX-License-Identifier: Apache-2.0 */
/* mss.h - lowers the MSS that TCP's two ends tell each other (RFC 6691), so that what they send
 * fits into a tunnel. Looks at SYNs alone; all else costs a few comparisons. */
#pragma once

#include "core/base/frame.h"
#include "core/base/reader.h"
#include "core/base/types.h"

#include <stdint.h>

/* What it is lowered to, by version of IP. */
struct mss {
    uint16_t v4, v6;
};

/* Those that fill IP packets of this length; not below what every host takes. */
struct mss mss_for_mtu(unsigned mtu);

/* Where the TCP header of a SYN starts in an IP packet, from its first byte; 0: it is none, a later
 * fragment, or cut off. */
size_t mss_find_syn(struct reader packet);
/* The same in an Ethernet frame, with or without VLAN tags. *ret_l3: where IP starts. */
size_t mss_find_syn_ethernet(struct reader frame, size_t *ret_l3);

/* An Ethernet frame, or with is_ip an IP packet, with its MSS lowered; a shared one is copied
 * before. Takes the frame. NULL: there was no buffer for that (DROP_NO_BUFFER). */
struct frame *
mss_lower(struct frame_pool *pool, struct frame *f, bool is_ip, const struct mss *mss) MUST_CHECK;
