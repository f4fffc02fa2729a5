/* Journal entries as Extended JSON, for bench/close.py: generate ENTRIES > journal_entries.json
 *
 * One document a line, about 450 bytes, three lines an entry whose debits equal their credits; amounts, accounts and dates come from a
 * fixed pseudo-random sequence, so that the same number of entries is the same file on every machine.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNTS  200u
#define FIRST_DAY 19723u /* 2024-01-01 */
#define DAYS      700u

static uint64_t state = 0x9E3779B97F4A7C15u;

static uint32_t next(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 32) % below);
}

static char *text(char *p, const char *s)
{
    size_t n = strlen(s);
    memcpy(p, s, n);
    return p + n;
}

static char *number(char *p, uint64_t v, int width)
{
    char digits[24];
    int n = 0;
    while (v > 0 || n < width) {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    }
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

static char *money(char *p, const char *key, uint64_t cents)
{
    p = text(p, ", \"");
    p = text(p, key);
    p = text(p, "\": {\"$numberDecimal\": \"");
    p = number(p, cents / 100, 1);
    *p++ = '.';
    p = number(p, cents % 100, 2);
    return text(p, "\"}");
}

static char *line(char *p, uint32_t account, uint64_t debit, uint64_t credit)
{
    p = text(p, "{\"account_id\": \"");
    p = number(p, 1000 + account, 4);
    *p++ = '"';
    p = money(p, "debit", debit);
    p = money(p, "credit", credit);
    return text(p, "}");
}

static char *date(char *p, uint32_t day)
{
    /* civil from days, for days after 1970 */
    uint32_t z = day + 719468, era = z / 146097, doe = z - era * 146097;
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    uint32_t month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2);
    p = number(p, year, 4);
    *p++ = '-';
    p = number(p, month, 2);
    *p++ = '-';
    return number(p, doy - (153 * mp + 2) / 5 + 1, 2);
}

static char *entry(char *p, uint64_t n)
{
    static const char *const what[] = {"Vendor payment", "Payroll run", "Bank charge",
                                       "Accrued utilities"};
    uint32_t day = FIRST_DAY + next(DAYS), account = next(ACCOUNTS);
    uint64_t a = 1 + next(5000000), b = 1 + next(5000000);
    p = text(p, "{\"_id\": {\"$oid\": \"68ca9aca");
    p = number(p, n, 16);
    p = text(p, "\"}, \"entry_id\": \"JE");
    p = number(p, n, 8);
    p = text(p, "\", \"date\": \"");
    p = date(p, day);
    p = text(p, "\", \"description\": \"");
    p = text(p, what[next(4)]);
    p = text(p, ", reference ");
    p = number(p, next(1000000000), 9);
    p = text(p, "\", \"lines\": [");
    p = text(line(p, account, a, 0), ", ");
    p = text(line(p, (account + 1) % ACCOUNTS, b, 0), ", ");
    return text(line(p, (account + 2) % ACCOUNTS, 0, a + b), "]}\n");
}

int main(int argc, char **argv)
{
    static char buffer[1 << 20];
    uint64_t entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    char *p = buffer;
    if (entries == 0) {
        fprintf(stderr, "usage: generate ENTRIES > journal_entries.json\n");
        return 2;
    }
    for (uint64_t n = 1; n <= entries; n++) {
        p = entry(p, n);
        if (p > buffer + sizeof buffer - 4096 || n == entries) {
            if (fwrite(buffer, 1, (size_t)(p - buffer), stdout) != (size_t)(p - buffer)) {
                perror("generate");
                return 1;
            }
            p = buffer;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
