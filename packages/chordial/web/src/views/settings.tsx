/** What may be set while the peer runs, with its source and when it holds; and how this page looks in this browser. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { SettingList } from '../../../src/client/answers.ts';
import { type ApiFailure, call } from '../api.ts';
import { useAnswer } from '../live.ts';
import { Bar, Failure } from '../parts.tsx';
import { partsOf, QuantityField, rateUnits, sizeUnits, type Unit } from '../quantity.tsx';
import { useAddress } from '../route.ts';
import { chooseScheme, chosenScheme, schemes } from '../scheme.ts';
import { size, visible } from '../shown.ts';
import { chooseLanguage, chosenLanguage, languages, text } from '../strings/text.ts';
import { LimitLine } from './limit.tsx';
import { FolderPicker } from './picker.tsx';
import { WeekPlan } from './week.tsx';

type Setting = SettingList['settings'][number];

/** What is in none of them follows under `more`. */
const groups = [
  { id: 'storage', names: ['quota', 'cache', 'keep-own', 'sealed', 'save', 'scrub'] },
  { id: 'speed', names: ['limit-lan', 'repair-rate', 'relay-rate'] },
  { id: 'network', names: ['listen', 'advertise', 'join', 'lan', 'port-mapping', 'zone'] },
  { id: 'door', names: ['door', 'serve', 'door-url'] },
] as const;
const more = 'more';
type Group = (typeof groups)[number]['id'] | typeof more;

export function SettingsView() {
  const { value, failure, again } = useAnswer('GET /api/v1/settings', {}, 10_000);
  const [answered, setAnswered] = useState<SettingList | null>(null);
  useEffect(() => setAnswered(null), [value]);
  const list = answered ?? value;
  // A link may lead to one of them.
  const asked = useAddress().searchParams.get('at');
  useEffect(() => document.getElementById(`setting-${asked}`)?.focus(), [asked, list === null]);
  const changed = (now: SettingList): void => {
    setAnswered(now);
    again();
  };
  return (
    <div class="settings">
      <Appearance />
      <Failure failure={failure} again={again} />
      {list === null ? null : (
        <>
          {[...groups, { id: more, names: namesOfMore(list) } as const].map(({ id, names }) => (
            <SettingGroup key={id} id={id} names={names} list={list} changed={changed} />
          ))}
          <Settled list={list} />
        </>
      )}
    </div>
  );
}

function namesOfMore({ settings }: SettingList): readonly string[] {
  const grouped = groups.flatMap(({ names }): readonly string[] => names);
  // The limit has its own place.
  return settings.flatMap(({ name, changes }) =>
    changes === 'never' || name === 'limit' || grouped.includes(name) ? [] : [name],
  );
}

/** Kept in this browser, not in the peer. */
function Appearance() {
  const [scheme, setScheme] = useState(chosenScheme);
  return (
    <section>
      <h2>{text.settings.groups.page}</h2>
      <ul class="setting-list">
        <Row id="language" title={text.settings.language} help={text.settings.languageHelp}>
          <select
            id="setting-language"
            value={chosenLanguage() ?? ''}
            onChange={({ currentTarget: { value } }) => chooseLanguage(value === '' ? null : value)}
          >
            <option value="">{text.settings.asBrowser}</option>
            {languages.map((tag) => (
              <option key={tag} value={tag} lang={tag}>
                {new Intl.DisplayNames(tag, { type: 'language' }).of(tag)}
              </option>
            ))}
          </select>
        </Row>
        <Row id="scheme" title={text.settings.scheme} help={text.settings.schemeHelp}>
          <select
            id="setting-scheme"
            value={scheme}
            onChange={({ currentTarget: { value } }) => {
              chooseScheme(schemes.find((one) => one === value) ?? 'system');
              setScheme(chosenScheme());
            }}
          >
            {schemes.map((one) => (
              <option key={one} value={one}>
                {text.settings.schemes[one]}
              </option>
            ))}
          </select>
        </Row>
      </ul>
    </section>
  );
}

function SettingGroup({
  id,
  names,
  list,
  changed,
}: {
  readonly id: Group;
  readonly names: readonly string[];
  readonly list: SettingList;
  readonly changed: (list: SettingList) => void;
}) {
  const settings = names.flatMap((name) => list.settings.find((one) => one.name === name) ?? []);
  if (settings.length === 0) return null;
  const isInStore = list.settings.some(({ name, value }) => name === 'blocks' && value !== null);
  return (
    <section>
      <h2>{text.settings.groups[id]}</h2>
      {id === 'speed' ? (
        <div class="setting-list limits">
          <LimitLine isOpen />
          <WeekPlan />
        </div>
      ) : null}
      <ul class="setting-list">
        {settings.map((setting) => (
          <ChangeableSetting
            key={setting.name}
            setting={setting}
            disk={isInStore ? null : list.disk}
            changed={changed}
          />
        ))}
      </ul>
    </section>
  );
}

/** A line of the list: what it is at the left, how it is set at the right. */
function Row({
  id,
  title,
  name,
  help,
  children,
  below,
}: {
  readonly id: string;
  readonly title: string;
  readonly name?: string;
  readonly help: string;
  readonly children: ComponentChildren;
  readonly below?: ComponentChildren;
}) {
  return (
    <li class="setting">
      <div>
        <label class="title" for={`setting-${id}`}>
          {title}
        </label>
        {name === undefined || name === title ? null : <code class="soft"> {name}</code>}
        <p class="soft">{help}</p>
        {below}
      </div>
      <div class="set">{children}</div>
    </li>
  );
}

interface Saved {
  /** What it was before, for Undo. */
  readonly before: string | null;
  readonly notes: readonly string[];
}

/** Saved by itself; what is refused stays in the field, with what to do. */
function ChangeableSetting({
  setting,
  disk,
  changed,
}: {
  readonly setting: Setting;
  /** Null where blocks are in an object store. */
  readonly disk: SettingList['disk'] | null;
  readonly changed: (list: SettingList) => void;
}) {
  const { name, choices, next } = setting;
  const [draft, setDraft] = useState<string | null>(null);
  const [saved, setSaved] = useState<Saved | null>(null);
  const [refusal, setRefusal] = useState<ApiFailure | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [isPicking, setPicking] = useState(false);
  const save = async (to: string | null): Promise<void> => {
    setBusy(true);
    try {
      const answer = await call('PATCH /api/v1/settings', { body: { settings: { [name]: to } } });
      setSaved({ before: next, notes: notesOf(setting) });
      // What was typed meanwhile stays.
      setDraft((now) => (now === draft ? null : now));
      setRefusal(null);
      changed(answer);
    } catch (error) {
      setRefusal(error as ApiFailure);
      setSaved(null);
    }
    setBusy(false);
  };
  const shown = draft ?? next ?? '';
  const edit = (to: string): void => {
    setDraft(to === (next ?? '') ? null : to);
    setSaved(null);
  };
  const cancel = (): void => {
    setDraft(null);
    setRefusal(null);
  };
  const below = (
    <>
      <p class="source soft">
        {setting.source === 'default' && choices === null
          ? text.settings.default(defaultOf(setting))
          : sourceOf(setting)}
        {setting.changes === 'restart' ? ` · ${text.settings.afterStart}` : ''}
        {setting.changes === 'restart' && setting.value !== next
          ? ` · ${text.settings.now(setting.value === null ? defaultOf(setting) : visible(setting.value))}`
          : ''}
      </p>
      <Failure failure={refusal} />
      {isPicking ? (
        <FolderPicker
          title={titleOf(setting)}
          start={shown}
          choose={text.settings.save}
          picked={(folder) => {
            setPicking(false);
            void save(folder);
          }}
          closed={() => setPicking(false)}
        />
      ) : null}
      {saved === null ? null : (
        <p class="saved" role="status">
          <span class="good">{setting.changes === 'now' ? text.settings.savedNow : text.settings.savedNext}</span>{' '}
          {saved.notes.join(' ')}{' '}
          <button type="button" class="plain" onClick={() => void save(saved.before)}>
            {text.settings.undo}
          </button>
        </p>
      )}
    </>
  );
  return (
    <Row id={name} title={titleOf(setting)} name={name} help={helpOf(setting)} below={below}>
      {choices !== null && setting.takesSeveral ? (
        <Several setting={setting} choices={choices} isBusy={isBusy} save={(to) => void save(to)} />
      ) : choices === null ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (draft !== null) void save(draft.trim() === '' ? null : draft.trim());
          }}
          onKeyDown={({ key }) => {
            if (key === 'Escape') cancel();
          }}
        >
          <div class="line">
            <Value setting={setting} value={shown} edit={edit} />
            {setting.kind === 'path' ? (
              <button type="button" onClick={() => setPicking(true)}>
                {text.shares.choose}
              </button>
            ) : null}
          </div>
          {name === 'quota' && disk !== null ? <QuotaSlider value={shown} disk={disk} edit={edit} /> : null}
          {draft !== null ? (
            <p class="actions">
              <button type="submit" class="primary" disabled={isBusy}>
                {text.settings.save}
              </button>
              <button type="button" onClick={cancel}>
                {text.settings.cancel}
              </button>
            </p>
          ) : next === null ? null : (
            <p class="actions">
              <button type="button" class="plain" disabled={isBusy} onClick={() => void save(null)}>
                {text.settings.useDefault(defaultOf(setting))}
              </button>
            </p>
          )}
        </form>
      ) : (
        <select
          id={`setting-${name}`}
          value={shown}
          disabled={isBusy}
          onChange={({ currentTarget: { value } }) => void save(value === '' ? null : value)}
        >
          <option value="">{text.settings.default(defaultOf(setting))}</option>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {text.settings.choices[choice] ?? choice}
            </option>
          ))}
        </select>
      )}
    </Row>
  );
}

/** None chosen is the default. */
function Several({
  setting,
  choices,
  isBusy,
  save,
}: {
  readonly setting: Setting;
  readonly choices: readonly string[];
  readonly isBusy: boolean;
  readonly save: (value: string | null) => void;
}) {
  const chosen = (setting.next ?? setting.default).split(',').map((one) => one.trim());
  return (
    <ul class="choices" aria-label={titleOf(setting)}>
      {choices.map((choice) => (
        <li key={choice}>
          <label>
            <input
              type="checkbox"
              checked={chosen.includes(choice)}
              disabled={isBusy}
              onChange={({ currentTarget: { checked } }) => {
                const now = choices.filter((one) => (one === choice ? checked : chosen.includes(one)));
                save(now.length === 0 ? null : now.join(','));
              }}
            />{' '}
            {text.settings.choices[choice] ?? choice}
          </label>
        </li>
      ))}
    </ul>
  );
}

/** As its kind is best given. */
function Value({
  setting,
  value,
  edit,
}: {
  readonly setting: Setting;
  readonly value: string;
  readonly edit: (value: string) => void;
}) {
  const { name, unit, kind } = setting;
  const id = `setting-${name}`;
  const placeholder = defaultOf(setting);
  if (unit !== null) {
    const { units, usual } = unitsOf(unit);
    return <QuantityField {...{ id, value, units, usual, placeholder }} label={titleOf(setting)} changed={edit} />;
  }
  return (
    <input
      id={id}
      class="grow"
      type="text"
      value={value}
      placeholder={placeholder}
      spellcheck={false}
      autocapitalize="off"
      {...(kind === 'quantity' ? { inputMode: 'numeric' as const } : {})}
      onInput={(event) => edit(event.currentTarget.value)}
    />
  );
}

const gibibyte = 2 ** 30;
const mebibyte = 2 ** 20;

/** Up to what the disk has; small ones by the mebibyte. */
function QuotaSlider({
  value,
  disk: { quota, used, cached, free },
  edit,
}: {
  readonly value: string;
  readonly disk: SettingList['disk'];
  readonly edit: (value: string) => void;
}) {
  const most = used + cached + free;
  const [suffix, step] = most < 16 * gibibyte ? ['M', 64 * mebibyte] : ['G', gibibyte];
  const unit = suffix === 'M' ? mebibyte : gibibyte;
  const at = bytesOf(value) ?? quota;
  return (
    <>
      <input
        type="range"
        aria-label={text.settings.titles['quota']}
        aria-valuetext={size(at)}
        min={step}
        max={Math.max(step, Math.floor(most / step) * step)}
        step={step}
        value={at}
        onInput={({ currentTarget }) => edit(`${Math.round(Number(currentTarget.value) / unit)}${suffix}`)}
      />
      <Bar part={at === 0 ? null : Math.min(1, used / at)} label={text.settings.used(size(used), size(at))} />
      <p class="soft">
        {text.settings.used(size(used), size(at))}
        {' · '}
        {text.settings.free(size(free))}
      </p>
      {at > most ? <p class="bad">{text.settings.beyondDisk}</p> : null}
      {at < used ? <p class="bad">{text.settings.belowUsed}</p> : null}
    </>
  );
}

/** Null for what is no size. */
function bytesOf(value: string): number | null {
  const parts = partsOf(value, sizeUnits);
  if (parts === null) return null;
  const power = ['', 'K', 'M', 'G', 'T'].indexOf(parts.suffix);
  return Math.floor(Number(parts.number) * 1024 ** power);
}

function unitsOf(unit: NonNullable<Setting['unit']>): { readonly units: readonly Unit[]; readonly usual: string } {
  if (unit === 'bytes') return { units: sizeUnits, usual: 'G' };
  if (unit === 'bytes per second') return { units: rateUnits, usual: 'M' };
  if (unit === 'milliseconds') return { units: [{ suffix: '', label: 'ms' }], usual: '' };
  return {
    units: ['s', 'm', 'h', 'd'].map((suffix) => ({ suffix, label: text.settings.times[suffix] ?? suffix })),
    usual: 's',
  };
}

/** What is settled before the start, read-only. */
function Settled({ list: { settings, file } }: { readonly list: SettingList }) {
  const settled = settings.filter(({ changes }) => changes === 'never');
  return (
    <section>
      <h2>{text.settings.groups.settled}</h2>
      <p class="about soft">{text.settings.settledHelp(visible(file))}</p>
      <details>
        <summary>{text.settings.settledCount(settled.length)}</summary>
        <ul class="setting-list">
          {settled.map((setting) => (
            <li class="setting" key={setting.name}>
              <div>
                <span class="title">{titleOf(setting)}</span> <code class="soft">{setting.name}</code>
                <p class="soft">{helpOf(setting)}</p>
                <p class="source soft">{sourceOf(setting)}</p>
              </div>
              <p class="set">{setting.value === null ? defaultOf(setting) : visible(setting.value)}</p>
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}

/** A flag or variable of the start goes before the file, in which the change is kept. */
function notesOf({ source }: Setting): readonly string[] {
  return /^(--|CHORDIAL_)/.test(source) ? [text.settings.flagFirst(source)] : [];
}

function sourceOf({ source }: Setting): string {
  const words = text.settings.source;
  if (source === 'default') return words.default;
  if (source === 'set while it runs') return words.here;
  if (source.startsWith('--')) return words.flag(source);
  if (source.startsWith('CHORDIAL_')) return words.variable(source);
  const [, file, line] = /^(.*) line (\d+)$/.exec(source) ?? [];
  return file === undefined || line === undefined ? words.file(visible(source)) : words.line(visible(file), line);
}

function titleOf({ name }: Setting): string {
  return text.settings.titles[name] ?? name;
}

function helpOf({ name, description }: Setting): string {
  const help = text.settings.helps[name] ?? description;
  return `${help.charAt(0).toLocaleUpperCase()}${help.slice(1)}.`;
}

function defaultOf({ name, default: usual }: Setting): string {
  return text.settings.defaults[name] ?? usual;
}
