/** A button that opens a menu over the page. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface MenuProps {
  readonly label: string;
  /** Elements with the role `menuitem`; drawn while it is open. */
  readonly items: () => ComponentChildren;
}

export function Menu({ label, items }: MenuProps) {
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <button
        ref={button}
        type="button"
        class="row-menu"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onClick={() => setIsOpen(!isOpen)}
      >
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
          <path d="M12 5v.1M12 12v.1M12 19v.1" />
        </svg>
      </button>
      {isOpen ? <MenuList label={label} button={button.current} items={items} closed={() => setIsOpen(false)} /> : null}
    </>
  );
}

interface MenuListProps extends MenuProps {
  readonly button: HTMLButtonElement | null;
  readonly closed: () => void;
}

function MenuList({ label, button, items, closed }: MenuListProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const shown = list.current;
    if (shown === null || button === null) return;
    shown.showPopover();
    const { left, right, top, bottom } = button.getBoundingClientRect();
    const { offsetWidth, offsetHeight } = shown;
    const isBelow = bottom + offsetHeight < innerHeight;
    shown.style.top = `${isBelow ? bottom : Math.max(0, top - offsetHeight)}px`;
    shown.style.left = `${Math.max(8, left + offsetWidth < innerWidth ? left : right - offsetWidth)}px`;
    entriesOf(shown)[0]?.focus();
    const close = (): void => shown.hidePopover();
    addEventListener('scroll', close, { passive: true });
    return () => removeEventListener('scroll', close);
  }, [button]);
  return (
    <div
      ref={list}
      popover="auto"
      role="menu"
      aria-label={label}
      class="menu"
      onToggle={(event) => {
        if (event.newState !== 'closed') return;
        // Where what was chosen has not taken the focus elsewhere.
        if (document.activeElement === document.body || list.current?.contains(document.activeElement)) button?.focus();
        closed();
      }}
      onClick={() => list.current?.hidePopover()}
      onKeyDown={(event) => {
        const entries = entriesOf(event.currentTarget);
        const place = entries.indexOf(document.activeElement as HTMLElement);
        const next = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: -1 }[event.key];
        if (event.key === 'Tab') list.current?.hidePopover();
        if (next === undefined) return;
        event.preventDefault();
        entries.at(next === entries.length ? 0 : next)?.focus();
      }}
    >
      {items()}
    </div>
  );
}

function entriesOf(list: HTMLElement): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>('[role=menuitem]:not([aria-disabled=true])')];
}
