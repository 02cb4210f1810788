/* SPDX-License-Identifier: Apache-2.0 */
/* look.h - one look through the headers of a frame, shared by all who judge or log it.
 *
 * Taken on the way in, once a frame, and only when somebody needs it: a gate, access rules, a tap.
 * It is valid as long as the frame's headers are not changed.
 */
#pragma once

#include "core/hub/law/kinds.h"
#include "core/net/flow.h"

struct look {
    struct flow flow;
    enum drop broken; /* what flow_parse() said. The flow is then all zero */
    uint32_t kinds;   /* KIND_...; 0 if broken */
};
