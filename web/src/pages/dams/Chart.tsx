import { type KeyboardEvent, type PointerEvent, useState } from 'react';
import { area, type Frame, hours, line, nearest, peak, scale, type Scale } from './chart.ts';
import styles from './Chart.module.css';
import type { Point } from './hydrograph.ts';

const size = { width: 300, height: 150 };
const frame: Frame = { left: 44, top: 20, width: 246, height: 96 };
const floor = frame.top + frame.height;
const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

// Chart draws a hydrograph. Below it stands the point under the pointer, or the one that was chosen with the arrow keys.
export function Chart({ points, label }: { points: Point[]; label: string }) {
  const [chosen, choose] = useState<number | null>(null);
  const flows = points.map(({ flow }) => flow);
  const x = hours(points[0]!.time, points.at(-1)!.time, frame.left, frame.left + frame.width);
  const y = scale(Math.min(0, ...flows), Math.max(...flows), 4, floor, frame.top);
  const top = peak(points);
  const last = points.length - 1;
  const at = chosen === null ? null : points[Math.min(chosen, last)]!;
  const point = (e: PointerEvent<SVGSVGElement>) => {
    const box = e.currentTarget.getBoundingClientRect();
    choose(nearest(points, x, ((e.clientX - box.left) / box.width) * size.width));
  };
  const move = (e: KeyboardEvent) => {
    const from = chosen ?? points.indexOf(top);
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last, Escape: null }[e.key];
    if (to === undefined || (to === null && chosen === null)) return;
    e.preventDefault();
    e.stopPropagation(); // the map uses these keys as well
    choose(to === null ? null : Math.max(0, Math.min(last, to)));
  };
  return (
    <figure className={styles.chart}>
      <svg
        className={styles.drawing} viewBox={`0 0 ${size.width} ${size.height}`} tabIndex={0} role="slider" aria-label={label} aria-orientation="horizontal"
        aria-valuemin={points[0]!.time} aria-valuemax={points[last]!.time} aria-valuenow={(at ?? top).time} aria-valuetext={reading(at ?? top)}
        onPointerMove={point} onPointerDown={point} onPointerLeave={() => choose(null)} onKeyDown={move} onBlur={() => choose(null)}
      >
        <Axes x={x} y={y} />
        <path className={styles.area} d={area(points, x, y, y.at(Math.max(0, y.ticks[0]!)))} />
        <path className={styles.flow} d={line(points, x, y)} />
        {at && <path className={styles.cursor} d={`M${x.at(at.time)} ${frame.top}V${floor}`} />}
        {at && <circle className={styles.dot} cx={x.at(at.time)} cy={y.at(at.flow)} r={4} />}
      </svg>
      <figcaption className={styles.read}>{at ? <b>{reading(at)}</b> : <>Peak: <b>{reading(top)}</b></>}</figcaption>
    </figure>
  );
}

const reading = ({ time, flow }: Point) => `${number.format(flow)} ft³/s at ${time} h`;

function Axes({ x, y }: { x: Scale; y: Scale }) {
  return (
    <g aria-hidden="true">
      {y.ticks.map((value) => (
        <g key={value}>
          <path className={styles.grid} d={`M${frame.left} ${y.at(value)}H${frame.left + frame.width}`} />
          <text className={styles.mark} x={frame.left - 6} y={y.at(value) + 3.5} textAnchor="end">{number.format(value)}</text>
        </g>
      ))}
      {x.ticks.map((value) => <text key={value} className={styles.mark} x={x.at(value)} y={floor + 14} textAnchor="middle">{value}</text>)}
      <text className={styles.unit} x={0} y={10}>Flow, ft³/s</text>
      <text className={styles.unit} x={frame.left + frame.width} y={size.height - 4} textAnchor="end">Time, hours</text>
    </g>
  );
}
