/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - EtherIP's header (RFC 3378, 3): version 3 and twelve reserved bits. */
#pragma once

#include "core/base/drop.h"
#include "core/base/frame.h"

#include <stdbool.h>
#include <stdint.h>

enum { ETHERIP_HEADER = 2, ETHERIP_VERSION = 3 };

static const uint8_t etherip_header[ETHERIP_HEADER] = {0x30, 0x00};

/* Takes the header off. Reserved bits may be anything; some BSDs had the nibbles of the first byte
 * the wrong way round. */
static inline enum drop
etherip_take_header(struct frame *f)
{
    const uint8_t *at = frame_pull(f, ETHERIP_HEADER);

    if (!at)
        return DROP_SHORT;
    bool is_right = at[0] >> 4 == ETHERIP_VERSION || (at[0] == ETHERIP_VERSION && at[1] == 0);
    return is_right ? DROP_NONE : DROP_VERSION;
}
