/* SPDX-License-Identifier: Apache-2.0 */
/* inner.h - what is inside of ESP: payloads of transport mode, and IP packets of tunnel mode. */
#pragma once

#include "core/base/drop.h"
#include "core/proto/carrier.h"
#include "core/proto/esp/child.h"

struct ipsec_inner {
    uint8_t protocol;     /* CARRIER_UDP, CARRIER_ETHERIP, CARRIER_L2TPV3 */
    uint16_t remote_port; /* CARRIER_UDP: the peer's */
    uint16_t local_port;  /* and ours */
    struct ip src, dst;   /* tunnel mode; family 0 in transport mode */
    bool is_fragment;     /* of tunnel mode: payload is not read, the packet must be whole first */
    struct reader payload;
};

/* next_header as ESP has it. Lengths are checked, UDP's checksum is not: NAT changes it, and ESP
 * has proven more. DROP_POLICY: nothing that a carrier could be for. */
enum drop
ipsec_inner_read(struct reader in, uint8_t next_header, struct ipsec_inner *out) MUST_CHECK;
/* Whether a packet of tunnel mode is what the two selectors of a child let in. */
bool ipsec_inner_is_selected(const struct ipsec_inner *in, const struct esp_selector *local,
                             const struct esp_selector *remote);
