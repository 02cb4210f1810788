/* SPDX-License-Identifier: Apache-2.0 */
/* dh_priv.h - for tests with known answers. */
#pragma once

#include "core/proto/ikev1/keys.h"

/* As ike1_dh_begin(), with our half already made, of this private key; of a curve its point is
 * needed too. */
struct ike1_dh *ike1_dh_begin_with(uint16_t group, struct reader private_key, struct reader point);
