/* SPDX-License-Identifier: Apache-2.0 */
/* admission.h - how many strangers there are, in all and from one address (IPv6: one /64), and
 * whether one more may come. Any thread: one short look-up under a lock. */
#pragma once

#include "core/base/addr.h"
#include "core/base/types.h"

struct admission;
struct admission *admission_new(unsigned most, unsigned most_address);
void admission_free(struct admission *a); /* NULL is fine */
/* False: too many. Else the stranger is counted until it leaves. */
bool admission_enter(struct admission *a, const struct ip *ip) MUST_CHECK;
void admission_leave(struct admission *a, const struct ip *ip);
/* All addresses together. */
bool admission_is_full(struct admission *a);
unsigned admission_total(struct admission *a);
