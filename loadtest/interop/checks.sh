# shellcheck shell=bash disable=SC2154
# The checks of run.sh, which sets `base`, `work`, `here`, `python`, `video` and `short`. Each is run in a folder of its own.

fault() { echo "$*" >&2; return 1; }

api() { curl -qsS -H "@$work/authorization" "$@"; }

js() { echo "+ tus-js-client $*"; node "$here/tus_js.js" --endpoint "$base/v1/uploads" "$@"; }
py() { echo "+ tuspy $*"; "$python" "$here/tus_py.py" --endpoint "$base/v1/uploads" "$@"; }

# What a client said last under a name; nothing where it said nothing.
fact() { awk -v name="$1" '$1 == name { $1 = ""; value = substr($0, 2) } END { print value }' "$2"; }

# A client that must come to the end that is named: `success`, `abort`, `terminate`, or `kill`, of which it can tell nothing.
ends() {
    local how=$1 out=$2 status=0
    shift 2
    "$@" >"$out" 2>&1 || status=$?
    cat "$out"
    # A killed one has 128 + 9, and said nothing of its end.
    case $how in
        kill) how='137 ' ;;
        *) how="0 $how" ;;
    esac
    [ "$status $(fact ended "$out")" = "$how" ] || fault "the client should have ended with \"$how\", and did with $status"
}

# The asset of an upload has every byte of the file, by the address that its owner is given; then it is deleted.
is_whole() {
    local upload=$1 file=$2 asset original expected found
    expected=$(sha256sum <"$file" | cut -d ' ' -f 1)
    api -f "$upload" >upload.json
    asset=$(member asset_url <upload.json)
    [ -n "$asset" ] || fault "no asset came of the upload: $(cat upload.json)"
    api -f -D fields "$base$asset" >asset.json
    [ "$(member sha256 <asset.json)" = "$expected" ] || fault "the asset says another digest: $(cat asset.json)"
    original=$(member original_url <asset.json)
    # Without a token: the address opens itself.
    found=$(curl -qfsS "$base$original" | sha256sum | cut -d ' ' -f 1)
    [ "$found" = "$expected" ] || fault "what is read back has the digest $found, not $expected"
    drop_asset "$asset"
}

# Which processing may have changed since it was read: then once more, by the new tag.
drop_asset() {
    local asset=$1 status
    for _ in 1 2 3 4 5; do
        api -f -o asset.json -D fields "$base$asset"
        status=$(api -o dropped -w '%{http_code}' -X DELETE -H "If-Match: $(field etag fields)" "$base$asset")
        [ "$status" = 412 ] || break
    done
    [ "$status" = 204 ] || fault "the asset cannot be deleted: $status $(cat dropped)"
}

# A field of the last answer in a file of curl's.
field() { tr -d '\r' <"$2" | awk -v name="$1:" 'tolower($1) == name { $1 = ""; value = substr($0, 2) } END { print value }'; }

# Whether an offset is neither the beginning nor the end of a file.
is_within() { [[ $1 =~ ^[0-9]+$ ]] && [ "$1" -gt 0 ] && [ "$1" -lt "$(stat -c %s "$2")" ]; }

# A second process went on: from an offset that is neither the beginning nor the end, and without beginning anew.
went_on() {
    local out=$1 file=$2 from
    from=$(fact resumed-from "$out")
    is_within "$from" "$file" || fault "it went on from \"$from\""
    ! grep -q '^answer POST 201' "$out" || fault "it began anew"
}

abilities() {
    local extension
    api -f -X OPTIONS -o /dev/null -D fields "$base/v1/uploads"
    cat fields
    [ "$(field tus-version fields)" = 1.0.0 ] || fault "no Tus-Version"
    for extension in creation creation-with-upload creation-defer-length checksum expiration termination concatenation; do
        [[ ,$(field tus-extension fields), == *,$extension,* ]] || fault "$extension is not named"
    done
    [[ ,$(field tus-checksum-algorithm fields), == *,sha1,* ]] || fault "sha1 is not named"
}

# whole CLIENT FILE [OPTION…]
whole() {
    local client=$1 file=$2
    shift 2
    ends success out "$client" --file "$file" "$@"
    is_whole "$(fact url out)" "$file"
}

# broken_off CLIENT HOW FILE BYTES [OPTION…]: the client ends after so many bytes; another process goes on from what the first one
# has put down.
broken_off() {
    local client=$1 how=$2 file=$3 after=$4 again=()
    shift 4
    [ "$client" = py ] || again=(--resume)
    ends "$how" first "$client" --file "$file" --memory memory --break-after "$after" --how "$how" "$@"
    ends success second "$client" --file "$file" --memory memory "${again[@]}" "$@"
    went_on second "$file"
    is_whole "$(fact url second)" "$file"
}

# The client says the length with its last piece.
length_said_later() {
    ends success out js --file "$video" --defer-length --chunk 1048576
    is_whole "$(fact url out)" "$video"
}

# The length is still open when the client is gone. It cannot skip what is there of a stream, so another one goes on.
length_never_said() {
    ends kill first js --file "$video" --defer-length --chunk 1048576 --break-after 4000000 --how kill
    api -I -H 'Tus-Resumable: 1.0.0' "$(fact url first)" | tr -d '\r' | grep -i '^upload-defer-length: 1$' || fault "the length is not open"
    rest_by_curl "$(fact url first)" "$video"
    is_whole "$(fact url first)" "$video"
}

# The request that creates brings all bytes.
data_during_creation() {
    ends success out js --file "$video" --during-creation
    [ "$(grep -c '^answer' out)" = 1 ] || fault "one request was expected"
    is_whole "$(fact url out)" "$video"
}

data_during_creation_broken_off() {
    broken_off js kill "$video" 4000000 --during-creation --chunk 1048576
    grep -q '^answer PATCH 204' second || fault "the second process sent nothing"
}

# Parts would stay until they expire: whatever a client has sent bytes to is given up.
drop_parts() {
    local part
    awk '$1 == "answer" && $2 == "PATCH" { print $4 }' "$1" | sort -u | while read -r part; do
        api -f -o /dev/null -X DELETE "$part"
    done
}

# Parts at the same time, and one upload of them all.
parts_at_once() {
    ends success out js --file "$video" --parallel 3
    [ "$(grep -c '^answer POST 201' out)" = 4 ] || fault "three parts and a whole were expected"
    is_whole "$(fact url out)" "$video"
    drop_parts out
}

parts_broken_off() {
    local how=$1
    ends "$how" first js --file "$video" --memory memory --parallel 3 --break-after 5000000 --how "$how"
    ends success second js --file "$video" --memory memory --parallel 3 --resume
    [ "$(grep -c '^answer HEAD 200' second)" = 3 ] || fault "three parts were expected to go on"
    [ "$(grep -c '^answer POST 201' second)" = 1 ] || fault "only the whole was to be created"
    is_whole "$(fact url second)" "$video"
    drop_parts second
}

# A byte of the first chunk changes on the way: the chunk is refused and, by the same client, sent again.
damaged_on_the_way() {
    ends success out py --file "$video" --checksum --chunk 2097152 --damage --retries 1
    [ "$(grep -c '^answer PATCH 460' out)" = 1 ] || fault "one chunk was to be refused"
    is_whole "$(fact url out)" "$video"
}

# The client ends the upload for good: nothing is left to go on with.
terminated() {
    local status
    ends terminate out js --file "$video" --break-after 4000000 --how terminate
    status=$(api -o /dev/null -w '%{http_code}' -I -H 'Tus-Resumable: 1.0.0' "$(fact url out)")
    [ "$status" = 410 ] || fault "HEAD is answered with $status"
    [ "$(api -f "$(fact url out)" | member state)" = cancelled ] || fault "the upload does not say that it was cancelled"
}

# From the creation on the client can see until when it may go on.
expiry_is_told() {
    local client=$1 until
    ends abort out "$client" --file "$video" --chunk 1048576 --break-after 4000000
    until=$(fact expires out)
    [ -n "$until" ] || fault "no Upload-Expires"
    [ "$(date -d "$until" +%s)" -gt "$(date +%s)" ] || fault "it has expired already: $until"
    api -f -o /dev/null -X DELETE "$(fact url out)"
}

# Two programs, one upload.
one_client_then_another() {
    local one=$1 other=$2
    ends abort first "$one" --file "$video" --chunk 1048576 --break-after 4000000
    ends success second "$other" --file "$video" --url "$(fact url first)"
    went_on second "$video"
    is_whole "$(fact url first)" "$video"
}

draft=(-H 'Upload-Draft-Interop-Version: 8')

# The draft's client, by hand: asks how far it is, and sends the rest.
rest_by_curl() {
    local upload=$1 file=$2 offset
    api -f -I -o /dev/null -D head "${draft[@]}" "$upload"
    cat head
    offset=$(field upload-offset head)
    [ "$(field upload-complete head)" = '?0' ] || fault "it is complete already"
    is_within "$offset" "$file" || fault "it stands at \"$offset\""
    tail -c "+$((offset + 1))" "$file" >rest
    api -f -o /dev/null -D fields -X PATCH "${draft[@]}" -H "Upload-Offset: $offset" -H 'Upload-Complete: ?1' \
        -H 'Content-Type: application/partial-upload' --data-binary @rest "$upload"
    cat fields
    [ "$(field upload-complete fields)" = '?1' ] || fault "it is not complete"
}

tus_then_draft() {
    local client=$1 how=$2 upload
    ends "$how" first "$client" --file "$video" --memory memory --chunk 1048576 --break-after 4000000 --how "$how"
    # A killed tuspy has told its address to its memory alone.
    upload=$(fact url first)
    upload=${upload:-$(grep -o "$base/v1/uploads/[0-9a-f-]*" memory | head -n 1)}
    rest_by_curl "$upload" "$video"
    is_whole "$upload" "$video"
}

draft_then_tus() {
    local client=$1 upload
    head -c 4000000 "$video" >beginning
    api -f -o /dev/null -D fields "${draft[@]}" -H 'Upload-Complete: ?0' -H "Upload-Length: $(stat -c %s "$video")" \
        -H 'Content-Type: application/octet-stream' --data-binary @beginning "$base/v1/uploads"
    cat fields
    upload=$base$(field location fields)
    ends success out "$client" --file "$video" --url "$upload"
    [ "$(fact resumed-from out)" = 4000000 ] || fault "it went on from $(fact resumed-from out)"
    is_whole "$upload" "$video"
}

# Draft 03 has no media type for what is appended, which later ones demand. What needs no append works.
draft_03_is_refused() {
    ! js --file "$video" --protocol ietf-draft-03 >out 2>&1 || fault "it was not refused"
    cat out
    [ "$(fact status out)" = 415 ] || fault "it was refused with \"$(fact status out)\""
    api -f -o /dev/null -X DELETE "$(fact url out)"
}

all_checks() {
    check 'what can be done is told' abilities
    local file name after chunk how
    for file in "$video" "$short"; do
        name=$(basename "$file" .mp4) after=4000000 chunk=1048576
        [ "$file" = "$video" ] || { after=500000 chunk=262144; }
        check "tus-js-client: $name" whole js "$file"
        check "tuspy: $name" whole py "$file" --chunk "$chunk"
        for how in abort kill; do
            check "tus-js-client: $name, $how in the middle, another process goes on" broken_off js "$how" "$file" "$after" --pace 4000000
            check "tus-js-client: $name in pieces, $how in the middle" broken_off js "$how" "$file" "$after" --chunk "$chunk"
            check "tuspy: $name, $how in the middle, another process goes on" broken_off py "$how" "$file" "$after" --pace 4000000
            check "tuspy: $name in pieces, $how in the middle" broken_off py "$how" "$file" "$after" --chunk "$chunk"
        done
    done
    check 'tus-js-client: length said later' length_said_later
    check "tus-js-client: length never said, curl ends in the draft's dialect" length_never_said
    check 'tus-js-client: data during creation' data_during_creation
    check 'tus-js-client: data during creation, kill in the middle' data_during_creation_broken_off
    check 'tus-js-client: three parts at once' parts_at_once
    check 'tus-js-client: three parts at once, abort in the middle' parts_broken_off abort
    check 'tus-js-client: three parts at once, kill in the middle' parts_broken_off kill
    check 'tus-js-client: PATCH said in a field of POST' whole js "$video" --override-method --chunk 2097152
    check 'tus-js-client: termination' terminated
    check 'tus-js-client: expiry is told' expiry_is_told js
    check 'tuspy: expiry is told' expiry_is_told py
    check 'tuspy: checksums' whole py "$video" --checksum --chunk 2097152
    check 'tuspy: checksums, kill in the middle' broken_off py kill "$video" 4000000 --checksum --chunk 1048576
    check 'tuspy: a chunk damaged on the way is refused and sent again' damaged_on_the_way
    check 'tuspy: asynchronous' whole py "$video" --asynchronous --chunk 2097152
    check 'tus-js-client begins, tuspy ends' one_client_then_another js py
    check 'tuspy begins, tus-js-client ends' one_client_then_another py js
    for how in abort kill; do
        check "tus-js-client begins ($how), curl ends in the draft's dialect" tus_then_draft js "$how"
        check "tuspy begins ($how), curl ends in the draft's dialect" tus_then_draft py "$how"
    done
    check "curl begins in the draft's dialect, tus-js-client ends" draft_then_tus js
    check "curl begins in the draft's dialect, tuspy ends" draft_then_tus py
    check 'tus-js-client as ietf-draft-05' whole js "$video" --protocol ietf-draft-05
    check 'tus-js-client as ietf-draft-05, in pieces' whole js "$video" --protocol ietf-draft-05 --in-memory --chunk 1048576
    for how in abort kill; do
        check "tus-js-client as ietf-draft-05, $how in the middle, another process goes on" \
            broken_off js "$how" "$video" 4000000 --protocol ietf-draft-05 --in-memory
    done
    check 'tus-js-client as ietf-draft-03: appends are refused' draft_03_is_refused
    check 'tus-js-client as ietf-draft-03: one request' whole js "$video" --protocol ietf-draft-03 --during-creation
}
